"""SQL text is written in store/ and filters/ alone, and holds no value of a caller's (house: Permission 4)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.sources import called, parsed

HOME = ("oneo/store/", "oneo/filters/")
SQL = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|WITH\s+\w+\s+AS\s*\(|"
    r"(CREATE|ALTER|DROP)\s+(TABLE|INDEX|ROLE|POLICY)|SET\s+(LOCAL\s+)?\w+\s*=|set_config\s*\()",
    re.DOTALL,
)
_TEST = r"\w{1,2}\.[\w?]+ (= %s|= ANY\(%s::uuid\[\]\)|IS (NOT )?NULL)"
FRAGMENT = re.compile(rf"true|{_TEST}( AND {_TEST})*")
"""A condition on a column of a resource, with a placeholder: what an operation narrows a list with."""


def _texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Texts of a module but its docstrings; formatted ones with a mark for each hole."""
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.lineno, node.value
        elif isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(str(p.value) if isinstance(p, ast.Constant) else "?" for p in node.values)


def test_sql_text_is_at_home() -> None:
    strays = [
        f"{path}:{line}: {text[:80]}"
        for path, tree in parsed().items()
        if not path.startswith(HOME)
        for line, text in _texts(tree)
        if SQL.search(text)
    ]
    assert not strays


def test_conditions_from_elsewhere_bind_their_values() -> None:
    """`Sql("u.id = %s", [...])` is the one form in which an operation names columns; lists join such pieces."""
    for path, tree in parsed().items():
        if path.startswith(HOME) or path == "oneo/operations/lists.py":
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and called(node) == "Sql":
                written = list(_texts(ast.Module([ast.Expr(ast.Tuple(node.args[:1], ast.Load()))], [])))
                assert written, f"{path}:{node.lineno}"
                assert FRAGMENT.fullmatch(written[0][1]), f"{path}:{node.lineno}: {written[0][1]}"


def test_nobody_else_speaks_to_the_driver() -> None:
    for path, tree in parsed().items():
        if not path.startswith(HOME):
            calls = {called(node) for node in ast.walk(tree) if isinstance(node, ast.Call)}
            assert not calls & {"executemany", "cursor", "mogrify", "execute_values"}, path


@pytest.mark.parametrize("text", [
    "SELECT a FROM b", "insert", "DELETE FROM x", "WITH a AS (", "SELECT set_config('a', 'b', true)", "UPDATE a SET b",
])  # fmt: skip
def test_the_search_knows_sql_when_it_sees_it(text: str) -> None:
    assert bool(SQL.search(text)) == (text != "insert")
