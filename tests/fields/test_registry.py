"""Every kind keeps the contract of kinds."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from oneo.errors import FaultList
from oneo.fields.kinds.base import InvalidValue, Kind
from oneo.fields.kinds.registry import KINDS, kind_named, read_kind
from oneo.filters.ast import OPERATORS
from tests.fields.configs import USUAL

pytestmark = pytest.mark.parametrize("name", list(KINDS))


def _kind(name: str) -> Kind:
    return kind_named(name, USUAL[name])


def test_a_kind_says_what_it_is(name: str) -> None:
    kind = KINDS[name]
    assert kind.name == name
    assert kind.about.endswith(".")
    assert set(kind.operators) <= set(OPERATORS)
    assert kind.bare in kind.operators
    assert kind.slot in {"t", "n", "d", None}
    assert all(option.about.endswith(".") for option in kind.options.values())
    for option in kind.options.values():
        Draft202012Validator.check_schema(option.schema)


def test_the_same_configuration_is_the_same_object(name: str) -> None:
    assert _kind(name) is kind_named(name, dict(reversed(USUAL[name].items())))


def test_the_schema_is_one_and_fits_the_example(name: str) -> None:
    kind = _kind(name)
    Draft202012Validator.check_schema(kind.schema)
    assert kind.example is not None
    assert kind.from_json(kind.example) is not None
    Draft202012Validator(kind.schema).validate(kind.example)


def test_a_default_is_checked_and_kept_as_json(name: str) -> None:
    faults = FaultList()
    example = _kind(name).example
    config = KINDS[name].read_config({**USUAL[name], "default": example}, faults, "/field_config")
    assert not faults.faults
    kind = kind_named(name, config)
    assert kind.schema["default"] == kind.as_json(kind.from_json(example))


@pytest.mark.parametrize("value", [None, object(), b"bytes", {1, 2}], ids=["null", "object", "bytes", "set"])
def test_what_is_not_json_is_no_value(name: str, value: object) -> None:
    with pytest.raises(InvalidValue) as refused:
        _kind(name).from_json(value)
    assert refused.value.code == "WRONG_TYPE"


@pytest.mark.parametrize("given", [None, [], "text", 1, True], ids=["null", "list", "text", "number", "flag"])
def test_a_configuration_is_an_object(name: str, given: object) -> None:
    assert _codes(name, given) == [("/field_config", "WRONG_TYPE")]


def test_an_unknown_option_gets_the_nearest_one(name: str) -> None:
    faults = FaultList()
    KINDS[name].read_config({**USUAL[name], "defalt": 1}, faults, "/field_config")
    (fault,) = faults.faults
    assert (fault.pointer, fault.code, fault.suggestion) == ("/field_config/defalt", "UNKNOWN_OPTION", "default")
    assert set(fault.allowed) == set(KINDS[name].options)


def test_null_options_are_left_out(name: str) -> None:
    faults = FaultList()
    nothing = dict.fromkeys(KINDS[name].options)
    assert KINDS[name].read_config({**nothing, **USUAL[name]}, faults, "") == USUAL[name]
    assert not faults.faults


def test_a_misspelt_kind_gets_the_nearest_one(name: str) -> None:
    faults = FaultList()
    assert read_kind(name, faults, "/field_type") is KINDS[name]
    assert read_kind(f"{name}x", faults, "/field_type") is None
    (fault,) = faults.faults
    assert (fault.code, fault.suggestion) == ("UNKNOWN_FIELD_TYPE", name)


def _codes(name: str, config: Any) -> list[tuple[str, str]]:
    faults = FaultList()
    KINDS[name].read_config(config, faults, "/field_config")
    return [(fault.pointer, fault.code) for fault in faults.faults]
