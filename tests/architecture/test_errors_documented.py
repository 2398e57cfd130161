"""docs/errors.md lists every code that a caller can meet, and none that he cannot (house: Errors)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from flask import Flask

from oneo.errors import CATALOGUE
from oneo.graphql.words import OF_THINGS
from tests.architecture.sources import DOCS, called, functions, parsed

_ROW = re.compile(r"^\| `([A-Z][A-Z0-9_]+)` \|(.+)\|$", re.MULTILINE)
_CODE = re.compile(r"[A-Z][A-Z0-9_]+")


def _documented(heading: str) -> dict[str, str]:
    """Rows of the table below a heading, by code."""
    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    section = re.split(r"^## ", text.partition(f"## {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    return {code: rest.strip() for code, rest in _ROW.findall(section)}


def _wrappers(tree: ast.Module) -> dict[str, int]:
    """Functions that pass a code on to a fault, with the place of their parameter `code`."""
    found = {"Fault": 1, "InvalidValue": 0}
    for function in functions(tree):
        names = [argument.arg for argument in function.args.args if argument.arg != "self"]
        if "code" in names and function.name != "add":
            found[function.name] = names.index("code")
    return found


def _constants(node: ast.expr, tree: ast.Module) -> Iterator[str]:
    """Texts that an expression can be, through conditional expressions and names assigned in the module."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _constants(node.body, tree)
        yield from _constants(node.orelse, tree)
    elif isinstance(node, ast.Name):
        for assignment in ast.walk(tree):
            if isinstance(assignment, ast.Assign) and any(
                isinstance(target, ast.Name) and target.id == node.id for target in assignment.targets
            ):
                yield from _constants(assignment.value, tree)


def _fault_codes() -> dict[str, str]:
    """Codes of faults, each with a module that uses it."""
    found: dict[str, str] = {}
    for path, tree in parsed().items():
        places = _wrappers(tree)
        for node in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            name = called(node)
            is_add = name == "add" and "faults" in ast.unparse(node.func).rpartition(".")[0]
            at = 1 if is_add else places.get(name)
            if at is None or len(node.args) <= at:
                continue
            for code in _constants(node.args[at], tree):
                if _CODE.fullmatch(code):
                    found[code] = path
    return found


def test_every_error_of_the_catalogue_is_documented(app: Flask) -> None:
    rows = _documented("Problems")
    missing = {
        code: f"| `{code}` | {error.status} | {error.title} |" for code, error in CATALOGUE.items() if code not in rows
    }
    assert not missing, "add to docs/errors.md:\n" + "\n".join(missing.values())
    assert rows.keys() <= CATALOGUE.keys(), f"no such codes: {rows.keys() - CATALOGUE.keys()}"


def test_documented_errors_say_the_status_and_title_of_the_code(app: Flask) -> None:
    for code, rest in _documented("Problems").items():
        status, title = (part.strip() for part in rest.split("|")[:2])
        assert (int(status), title) == (CATALOGUE[code].status, CATALOGUE[code].title), code


def test_names_among_things_are_documented(app: Flask) -> None:
    rows = {code: rest.strip("` ") for code, rest in _documented("Names among things").items()}
    assert rows == OF_THINGS
    assert rows.keys() <= CATALOGUE.keys()


def test_every_fault_is_documented() -> None:
    rows, used = _documented("Faults"), _fault_codes()
    missing = [f"| `{code}` | ... |    ({path})" for code, path in sorted(used.items()) if code not in rows]
    assert not missing, "add to docs/errors.md:\n" + "\n".join(missing)
    assert rows.keys() <= used.keys(), f"no such faults: {rows.keys() - used.keys()}"


@pytest.mark.parametrize(
    "code", ["NOT_JSON", "DUPLICATE_KEY", "UNKNOWN_FIELD", "REQUIRED", "PASSWORD_TOO_SHORT", "TOO_PRECISE"]
)
def test_the_search_for_faults_sees_each_way_to_make_one(code: str) -> None:
    assert code in _fault_codes()


def test_statuses_of_the_catalogue_are_explained(app: Flask) -> None:
    from oneo.blueprints.openapi.statuses import STATUSES

    assert {error.status for error in CATALOGUE.values()} <= STATUSES.keys()
