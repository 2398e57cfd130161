"""Every operation takes the actor first (house: Permission and tenancy 2); those that cannot are named here."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.sources import called, parsed

MAKES_AN_ACTOR = {
    "oneo/operations/auth.py": {"is_known_device", "log_in", "refresh", "tenant_for_login"},
    "oneo/operations/tenants.py": {"tenant_actor"},
}
"""They find out who is asking, so nobody can be asking them."""

ACTS_FOR_THE_OWNER = {
    "oneo/operations/demo.py": {"create_demo", "working_login", "admin_email"},
    "oneo/operations/sessions.py": {"prune_sessions"},
}
"""They run with the owner's login, before there is a tenant or for all of them."""

ASKS_NO_TENANT = {"oneo/operations/readiness.py": {"check_readiness", "check_migrated", "is_empty"}}
"""They look at the server alone."""

READS_NOTHING = {
    "oneo/operations/size_limits.py": {"check_cells"},
    "oneo/operations/auth.py": {"login_name"},
    "oneo/operations/bulk.py": {"check_change", "check_id", "check_new", "read_rows"},
    "oneo/operations/fields.py": {"title_kinds"},
    "oneo/operations/history.py": {"past_moment"},
    "oneo/operations/lists.py": {"asked", "conditions", "including", "picked"},
    "oneo/operations/pipelines.py": {"field_entries"},
    "oneo/operations/slug_checks.py": {"read_slug"},
    "oneo/operations/users.py": {"check_locality"},
    "oneo/operations/violations.py": {"entry_of"},
}
"""Rules about values, which touch no row."""

AN_ACTORS = {("actor", "Actor"), ("work", "Unit"), ("sight", "Sight")}
"""Himself, his open transaction, or what he sees of a pipeline."""

EXCEPTIONS = (MAKES_AN_ACTOR, ACTS_FOR_THE_OWNER, ASKS_NO_TENANT, READS_NOTHING)
OPERATIONS = {path: tree for path, tree in parsed().items() if path.startswith("oneo/operations/")}


def _public(tree: ast.Module) -> list[ast.FunctionDef]:
    return [node for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]


@pytest.mark.parametrize("path", sorted(OPERATIONS))
def test_operations_take_the_actor_first(path: str) -> None:
    excused = set().union(*(exceptions.get(path, set()) for exceptions in EXCEPTIONS))
    for function in _public(OPERATIONS[path]):
        arguments = function.args.posonlyargs + function.args.args
        first = arguments[0] if arguments else None
        takes_actor = (
            first is not None
            and first.annotation is not None
            and (first.arg, ast.unparse(first.annotation)) in AN_ACTORS
        )
        assert takes_actor or function.name in excused, f"{path}: {function.name} does not take the actor first"


def test_the_exceptions_still_exist() -> None:
    for exceptions in EXCEPTIONS:
        for path, names in exceptions.items():
            if path in OPERATIONS:
                assert names <= {function.name for function in _public(OPERATIONS[path])}, path


def test_no_operation_looks_at_the_request() -> None:
    for path, tree in OPERATIONS.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "flask":
                assert {alias.name for alias in node.names} <= {"current_app"}, path


def test_an_actor_is_never_made_from_what_a_caller_says() -> None:
    """Only identity, the operations that make one, and the owner's tools call `Actor(...)` or `system_actor(...)`."""
    allowed = {"oneo/actor.py", "oneo/access/identity.py", "oneo/cli.py", *MAKES_AN_ACTOR, *ACTS_FOR_THE_OWNER}
    for path, tree in parsed().items():
        if path not in allowed and not path.startswith(("oneo/delivery/", "oneo/jobs/", "oneo/server/")):
            made = {called(node) for node in ast.walk(tree) if isinstance(node, ast.Call)}
            assert not made & {"Actor", "system_actor"}, path


def test_no_face_commits() -> None:
    faces = ("oneo/blueprints/", "oneo/graphql/", "oneo/realtime/", "oneo/http/")
    for path, tree in parsed().items():
        if path.startswith(faces):
            calls = {called(node) for node in ast.walk(tree) if isinstance(node, ast.Call)}
            assert not calls & {"commit", "rollback", "flush", "unit"}, path
