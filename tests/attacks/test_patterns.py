"""No regular expression of the program takes more than linear time, whatever text it is given."""

from __future__ import annotations

import ast
import importlib
import json
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from oneo.export.csv import is_risky
from oneo.fields.kinds.registry import KINDS
from tests.architecture.sources import DOCS, parsed
from tests.attacks.backtracking import superlinear

Found = tuple[str, str | bytes, int, bool]
"""Where a pattern stands, its text, its flags, and whether it is looked for at every place of a text."""
_AT_THE_START = frozenset({"fullmatch", "match"})


@pytest.fixture(autouse=True)
def deep_recursion() -> Iterator[None]:
    """The counting matcher calls itself for each turn of a repeat."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(50_000)
    yield
    sys.setrecursionlimit(before)


@cache
def _patterns() -> list[Found]:
    found: list[Found] = []
    for path, tree in parsed().items():
        if not any(isinstance(node, ast.Name) and node.id in {"re", "regex", "validate"} for node in ast.walk(tree)):
            continue
        module = importlib.import_module(path.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
        found += _of_module(path, tree, vars(module))
    return found


def _of_module(path: str, tree: ast.Module, names: dict[str, Any]) -> Iterator[Found]:
    for node in ast.walk(tree):
        where = f"{path}:{getattr(node, 'lineno', 0)}"
        match node:
            case ast.ImportFrom(module="re"):
                raise AssertionError(f"{where}: write `re.compile`, so that this test finds the pattern")
            case ast.Call(func=ast.Attribute(value=ast.Name(id="re"), attr=method), args=[first, *_]) if (
                method != "escape"
            ):
                flags = [word.value for word in node.keywords if word.arg == "flags"] + node.args[1:]
                pattern = _value(first, names, where)
                compiled = method == "compile"
                flag = _value(flags[0], names, where) if compiled and flags else 0
                scan = not _AT_THE_START.issuperset(_methods(tree, node)) if compiled else method not in _AT_THE_START
                yield where, pattern, int(flag), scan
            case ast.Call(func=ast.Attribute(attr="Regexp"), args=[first, *_]):
                yield where, _value(first, names, where), 0, False
            case ast.ClassDef(body=body):
                for line in body:
                    if isinstance(line, ast.Assign) and [ast.unparse(name) for name in line.targets] == ["regex"]:
                        yield where, _value(line.value, names, where), 0, False


def _value(node: ast.expr, names: dict[str, Any], where: str) -> Any:
    try:
        return eval(ast.unparse(node), names)  # noqa: S307 - a part of the program itself
    except NameError:
        raise AssertionError(f"{where}: make the pattern a constant, so that this test can read it") from None


def _methods(tree: ast.Module, call: ast.Call) -> set[str]:
    """What is done with a compiled pattern that is private to its module; unknown where it is not."""
    names = [
        name.id
        for line in tree.body
        if isinstance(line, ast.Assign) and line.value is call
        for name in line.targets
        if isinstance(name, ast.Name) and name.id.startswith("_")
    ]
    used = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in names]
    methods = {
        node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.value in used
    }  # fmt: skip
    # One use is the assignment; every other one must be a call of a method, or nobody knows what is done with it.
    attributes = sum(isinstance(node, ast.Attribute) and node.value in used for node in ast.walk(tree))
    return methods if names and attributes == len(used) - 1 else {"unknown"}


def test_the_patterns_of_the_program_are_found() -> None:
    texts = [pattern for _, pattern, _, _ in _patterns()]
    assert len(texts) > 40
    assert r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$" in texts


def test_every_pattern_is_linear() -> None:
    bad = [(where, attack) for where, pattern, flags, scan in _patterns()
           if (attack := superlinear(pattern, flags, scan=scan))]  # fmt: skip
    assert not bad, f"{bad}: these patterns take more than linear time on these texts; use possessive quantifiers"


@pytest.mark.prove
def test_every_pattern_that_clients_are_given_is_linear() -> None:
    """Schemas are used by validators that go back over the text as Python does."""
    schemas = [json.loads((DOCS / "openapi.json").read_text(encoding="utf-8"))]
    schemas += [kind({"choices": ["a"]} if "choices" in kind.options else {}).schema for kind in KINDS.values()]
    patterns = {pattern for schema in schemas for pattern in _given(schema)}
    assert len(patterns) > 3
    assert not {pattern: attack for pattern in patterns if (attack := superlinear(pattern, scan=True))}


def _given(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        for part in schema.values():
            yield from _given(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _given(part)


@pytest.mark.parametrize(
    ("pattern", "scan"),
    [
        (r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", False),
        (rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', True),
        (r"(a+)+$", False),
        (r"(?:a|a)*b", False),
        (r"(?:a?b?)*c", False),
        (r"x*y?x*z", False),
        (r"\s+$", True),
        (r"^\s+|\s+$", True),
        (r"a.*b.*c", False),
    ],
)
def test_a_pattern_that_is_quadratic_or_worse_is_found(pattern: str | bytes, scan: bool) -> None:
    assert superlinear(pattern, scan=scan)


@pytest.mark.parametrize(
    ("pattern", "scan"),
    [
        (rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', True),
        (r'"[^"]*"', True),
        (r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", False),
        (r"(?:a++)++b", False),
    ],
)
def test_a_linear_pattern_is_not_accused(pattern: str | bytes, scan: bool) -> None:
    assert superlinear(pattern, scan=scan) is None


@pytest.mark.parametrize("text", ["0", "-5", "+1.", ".5", "1.50", "-1e5", "1.e+5", "+.5E-3"])
def test_signed_numbers_are_exported_as_they_are(text: str) -> None:
    assert not is_risky(text)


@pytest.mark.parametrize("text", ["-", "-.", "-1x", "-1.2.3", "-e5", "-1e", "+1e+", "-1 "])
def test_what_only_begins_like_a_number_is_disarmed(text: str) -> None:
    assert is_risky(text)
