"""docs/filters.md knows every operator, every type and every parameter of a list (house: tests/architecture)."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator

import oneo.fields
from oneo.fields.base import FieldType
from oneo.fields.kinds.base import Kind
from oneo.filters.ast import OPERATORS
from oneo.schemas.base import ListParameters
from tests.architecture.sources import DOCS

_ROW = re.compile(r"^\| `([a-z_]+)` \|(.+)\|$", re.MULTILINE)


def _table(heading: str) -> dict[str, list[str]]:
    text = (DOCS / "filters.md").read_text(encoding="utf-8")
    section = re.split(r"^## ", text.partition(f"## {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    return {name: [cell.strip() for cell in rest.split("|")] for name, rest in _ROW.findall(section)}


def _types(base: type[FieldType] = FieldType) -> Iterator[type[FieldType]]:
    for found in base.__subclasses__():
        # The kinds of tenants' own fields stand in fields.md.
        if found.__module__.startswith("oneo.") and not issubclass(found, Kind):
            yield found
            yield from _types(found)


def test_every_operator_is_documented() -> None:
    assert list(_table("Operators")) == list(OPERATORS)


def test_every_parameter_of_a_list_is_documented() -> None:
    names = [field.data_key or name for name, field in ListParameters().fields.items()]
    assert list(_table("Parameters")) == names


def test_every_type_is_documented_with_its_operators() -> None:
    for module in pkgutil.iter_modules(oneo.fields.__path__):
        importlib.import_module(f"oneo.fields.{module.name}")
    expected = {
        found.name: [", ".join(f"`{operator}`" for operator in found.operators), f"`{found.bare}`"]
        for found in _types()
        if "name" in vars(found)
    }
    rows = _table("Types")
    missing = [f"| `{name}` | {cells[0]} | {cells[1]} |" for name, cells in expected.items() if rows.get(name) != cells]
    assert not missing, "write in docs/filters.md:\n" + "\n".join(missing)
    assert rows.keys() == expected.keys()
