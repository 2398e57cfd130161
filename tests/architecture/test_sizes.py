"""Files and functions stay small enough to be read (house: Size and manner)."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.sources import ROOT, functions, parsed

MAX_FILE = {
    "oneo": 350,
    "bench": 350,
    "tests": 450,
}  # a test module mirrors one of ours, however much that one promises
MAX_FUNCTION = 60


@pytest.mark.parametrize("folder", ["oneo", "tests", "bench"])
def test_files_are_short(folder: str) -> None:
    lengths = {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in parsed(folder)}
    assert not {path: lines for path, lines in lengths.items() if lines > MAX_FILE[folder]}


@pytest.mark.parametrize("folder", ["oneo", "tests", "bench"])
def test_functions_are_short(folder: str) -> None:
    too_long = {
        f"{path}: {function.name}": length
        for path, tree in parsed(folder).items()
        for function in functions(tree)
        if (length := (function.end_lineno or 0) - function.lineno + 1) > MAX_FUNCTION
    }
    assert not too_long


def test_every_module_says_what_belongs_in_it() -> None:
    for path, tree in parsed().items():
        assert ast.get_docstring(tree), f"{path} has no docstring"
