"""Every table of values, by each way a value can come in."""

from __future__ import annotations

from typing import Any

import pytest

from oneo.errors import FaultList
from oneo.fields.kinds.base import Kind
from oneo.fields.kinds.registry import KINDS, kind_named
from tests.fields.tables import Refused, outcome, rows, same, tables, wrong_configs


def _kind(name: str, config: dict[str, Any]) -> Kind:
    faults = FaultList()
    checked = KINDS[name].read_config(config, faults, "/field_config")
    assert not faults.faults
    return kind_named(name, checked)


@pytest.mark.parametrize(("name", "config", "given", "stored"), rows("json"))
def test_json(name: str, config: dict[str, Any], given: Any, stored: Any) -> None:
    found = outcome(lambda: _kind(name, config).from_json(given))
    assert same(found, stored), found


@pytest.mark.parametrize(("name", "config", "given", "stored"), rows("text"))
def test_text(name: str, config: dict[str, Any], given: str, stored: Any) -> None:
    kind = _kind(name, config)
    found = outcome(lambda: kind.from_text(given))
    assert same(found, stored), found
    if not isinstance(stored, Refused):
        assert same(kind.from_text(kind.as_text(found)), found)


@pytest.mark.parametrize(("name", "config", "operator", "given", "compared"), rows("operands"))
def test_operands(name: str, config: dict[str, Any], operator: str, given: Any, compared: Any) -> None:
    found = outcome(lambda: _kind(name, config).operand(operator, given, from_text=False))
    assert same(found, compared), found


@pytest.mark.parametrize(("name", "config", "operator", "given", "compared"), rows("text_operands"))
def test_operands_of_a_query_string(
    name: str, config: dict[str, Any], operator: str, given: Any, compared: Any
) -> None:
    found = outcome(lambda: _kind(name, config).operand(operator, given, from_text=True))
    assert same(found, compared), found


@pytest.mark.parametrize(("name", "config", "where", "code"), wrong_configs())
def test_wrong_configurations(name: str, config: dict[str, Any], where: str, code: str) -> None:
    faults = FaultList()
    KINDS[name].read_config(config, faults, "/field_config")
    assert [(fault.pointer, fault.code) for fault in faults.faults] == [(f"/field_config{where}", code)]


def test_there_are_values_enough() -> None:
    counts = dict.fromkeys(KINDS, 0)
    for name, _, values in tables():
        counts[name] += len(values.json) + len(values.text) + len(values.operands) + len(values.text_operands)
    assert min(counts.values()) >= 15, counts
    assert sum(counts.values()) >= 500, counts
