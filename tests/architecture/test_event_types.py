"""The catalogue of events agrees with the code that writes them and with the documentation."""

from __future__ import annotations

import ast
import re

from oneo.event_types import EventType, Visibility
from tests.architecture.sources import DOCS, called, parsed

_NAME = re.compile(r"([a-z_]+)\.[a-z_]+")
_KINDS = {known.kind for known in EventType}
_WRITES = {"created", "changed", "append", "told", "_tell", "_told"}


def _written() -> set[str]:
    """Literals in the code that have the kind of an event, or that a call which writes an event is given."""
    found: set[str] = set()
    for name, tree in parsed().items():
        if name == "oneo/event_types.py" or name.startswith("oneo/schemas/"):
            continue
        for node in ast.walk(tree):
            text = _text(node)
            if _NAME.fullmatch(text) and _kind(text) in _KINDS:
                found.add(text)
            if isinstance(node, ast.Call) and called(node) in _WRITES:
                given = [part.value for part in node.args if isinstance(part, ast.Constant)]
                found |= {text for text in given if isinstance(text, str) and _NAME.fullmatch(text)}
    return found


def test_no_type_of_an_event_is_put_together() -> None:
    """A type that is no literal would be missed by the other tests."""
    calls = [
        f"{name}:{node.lineno}"
        for name, tree in parsed().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and called(node) in _WRITES
        for part in node.args
        if isinstance(part, ast.JoinedStr) and _kind("".join(map(_text, part.values))) in _KINDS
    ]
    assert calls == []


def _kind(text: str) -> str:
    match = _NAME.match(text)
    return match[1] if match else ""


def _text(piece: ast.AST) -> str:
    return piece.value if isinstance(piece, ast.Constant) and isinstance(piece.value, str) else "x"


def test_every_event_that_is_written_is_in_the_catalogue() -> None:
    assert _written() - {known.value for known in EventType} == set()


def test_every_event_in_the_catalogue_is_written() -> None:
    assert {known.value for known in EventType} - _written() == set()


def test_every_event_says_who_is_shown_it_and_what_happened() -> None:
    for known in EventType:
        assert isinstance(known.visibility, Visibility)
        assert known.description


def test_the_documentation_lists_every_event() -> None:
    page = (DOCS / "events.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \| (.+) \|$", page, re.MULTILINE)
    assert rows == [(known.value, known.description) for known in EventType]
