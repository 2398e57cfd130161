"""docs/fields.md knows every kind of field and every option, as the code has them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import pytest

from oneo.fields.kinds.base import Kind
from oneo.fields.kinds.registry import KINDS
from oneo.fields.kinds.terms import Option
from tests.architecture.sources import DOCS

_TEXT = (DOCS / "fields.md").read_text(encoding="utf-8")
_ROW = re.compile(r"^\| (?:\[)?`([a-z_]+)`(?:\]\(#[a-z]+\))? \|(.+)\|$", re.MULTILINE)


def _section(heading: str) -> str:
    return re.split(r"^## ", _TEXT.partition(f"\n## {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def _table(heading: str) -> dict[str, list[str]]:
    return {name: [cell.strip() for cell in rest.split("|")] for name, rest in _ROW.findall(_section(heading))}


def _default(option: Option) -> str:
    if option.required:
        return "required"
    return "" if option.default is None else f"`{json.dumps(option.default)}`"


def _row(kind: type[Kind]) -> list[str]:
    operators = ", ".join(f"`{operator}`" for operator in kind.operators)
    return [operators, f"`{kind.bare}`", f"`{kind.slot}`" if kind.slot else "none", "yes" if kind.is_unique else "no"]


def _missing(expected: Mapping[str, list[str]], heading: str) -> list[str]:
    rows = _table(heading)
    return [f"| `{name}` | {' | '.join(cells)} |" for name, cells in expected.items() if rows.get(name) != cells]


def test_every_kind_is_documented() -> None:
    missing = _missing({name: _row(kind) for name, kind in KINDS.items()}, "Kinds")
    assert not missing, "write in docs/fields.md:\n" + "\n".join(missing)
    assert list(_table("Kinds")) == list(KINDS)


@pytest.mark.parametrize("name", list(KINDS))
def test_every_option_is_documented(name: str) -> None:
    kind = KINDS[name]
    missing = _missing({at: [_default(option), option.about] for at, option in kind.options.items()}, name)
    assert not missing, f"write in docs/fields.md under {name}:\n" + "\n".join(missing)
    assert list(_table(name)) == list(kind.options)
    assert kind.about in " ".join(_section(name).split())
