"""docs/relationships.md knows every option of every kind of constraint, as the code has them."""

from __future__ import annotations

import json
import re

import pytest

from oneo.models.relationship import CONSTRAINT_KINDS
from oneo.operations.constraint_options import OPTIONS
from tests.architecture.sources import DOCS

_TEXT = (DOCS / "relationships.md").read_text(encoding="utf-8")
_ROW = re.compile(r"^\| `([a-z_]+)` \|(.+)\|$", re.MULTILINE)


def test_every_kind_has_options() -> None:
    assert tuple(OPTIONS) == CONSTRAINT_KINDS


@pytest.mark.parametrize("kind", CONSTRAINT_KINDS)
def test_every_option_is_documented(kind: str) -> None:
    section = re.split(r"^##", _TEXT.partition(f"\n### {kind}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    written = {name: [cell.strip() for cell in rest.split("|")] for name, rest in _ROW.findall(section)}
    expected = {
        name: ["" if option.default is None else f"`{json.dumps(option.default)}`", option.about]
        for name, option in OPTIONS[kind].items()
    }
    assert written == expected
