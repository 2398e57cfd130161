"""The shape of the tables of values, and what compares them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from oneo.fields.kinds.base import InvalidValue
from oneo.fields.kinds.registry import KINDS


@dataclass(frozen=True)
class Refused:
    """Instead of a stored value: the code with which the given one is refused, and where in it."""

    code: str
    where: str = ""


@dataclass(frozen=True)
class Values:
    """What one configuration makes of values: pairs of the given one and the stored one."""

    config: dict[str, Any]
    json: list[tuple[Any, Any]] = field(default_factory=list)
    text: list[tuple[str, Any]] = field(default_factory=list)
    operands: list[tuple[str, Any, Any]] = field(default_factory=list)
    """Operator, JSON, what is compared with."""
    text_operands: list[tuple[str, Any, Any]] = field(default_factory=list)


def outcome(read: Callable[[], object]) -> object:
    try:
        return read()
    except InvalidValue as error:
        return Refused(error.code, error.where)


def same(one: object, other: object) -> bool:
    """Equal and of the same type: 1, 1.0 and true are three."""
    return type(one) is type(other) and repr(one) == repr(other)


def tables() -> Iterator[tuple[str, int, Values]]:
    for name in KINDS:
        for at, values in enumerate(importlib.import_module(f"tests.fields.values.{name}").VALUES):
            yield name, at, values


def rows(part: str) -> list[Any]:
    """One parameter set for each row of that part of all tables; ids count, so that all workers agree."""
    return [
        pytest.param(name, values.config, *row, id=f"{name}-{at}-{number}")
        for name, at, values in tables()
        for number, row in enumerate(getattr(values, part))
    ]


def wrong_configs() -> list[Any]:
    return [
        pytest.param(name, config, where, code, id=f"{name}-{number}")
        for name in KINDS
        for number, (config, where, code) in enumerate(importlib.import_module(f"tests.fields.values.{name}").WRONG)
    ]
