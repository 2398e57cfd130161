"""Figures about related records that stand beside a row: `count:related:employs`, `sum:related:deals_of.amount`."""

from __future__ import annotations

from collections.abc import Callable

from oneo.errors import FaultList, InvalidParameter, pointer
from oneo.fields.kinds.base import InvalidValue
from oneo.fields.kinds.terms import Family
from oneo.filters.data import text_of
from oneo.filters.related import Relations
from oneo.filters.sql import TRUE, Sql

FUNCTIONS = ("count", "sum", "avg", "min", "max")
MAX_FIGURES = 20
_ACTIVE = Sql("x.status = 'ACTIVE'")
_SUMMED = ("sum", "avg")
_WHERE = pointer("include")


def is_figure(name: str) -> bool:
    return name.partition(":")[0] in FUNCTIONS and ":" in name


def read_figures(names: tuple[str, ...], relations: Callable[[], Relations]) -> dict[str, Sql]:
    """Each as an expression on the record `r`. Raises InvalidParameter."""
    faults, found = FaultList(), {}
    if len(names) > MAX_FIGURES:
        faults.add(_WHERE, "INVALID_VALUE", f"At most {MAX_FIGURES} figures can be included.")
    faults.check(InvalidParameter)
    known = relations()
    for name in names:
        try:
            found[name] = _figure(name, known)
        except InvalidValue as error:
            faults.add(_WHERE, error.code, error.message, allowed=error.allowed, near=error.near)
    faults.check(InvalidParameter)
    return found


def _figure(name: str, relations: Relations) -> Sql:
    """Raises InvalidValue."""
    path, dot, slug = name.partition(".")
    function, *rest = path.split(":")
    if rest[0] != "related" or not 2 <= len(rest) <= 3 or bool(dot) == (function == "count"):
        message = f"{name[:100]!r} is not of the form <function>:related:<type>[:<direction>][.<field>]."
        raise InvalidValue("INVALID_VALUE", message, allowed=FUNCTIONS)
    step = relations.step(relations.type_named(rest[1]), *rest[2:])
    if function == "count":
        return step.hop.count(TRUE, _ACTIVE)
    column = step.hop.columns.get(f"data__{slug}")
    if column is None or step.shape is None:
        seen = [known.removeprefix("data__") for known in step.hop.columns if known.startswith("data__")]
        message = f"There is no field {slug[:100]!r} of related records."
        raise InvalidValue("UNKNOWN_FIELD", message, near=(slug, seen))
    family = step.shape.fields[slug].kind.family
    if family is not Family.NUMBER and (family is not Family.MOMENT or function in _SUMMED):
        message = (
            f"Of {slug} there is no {function}: it takes numbers{'' if function in _SUMMED else ', dates and times'}."
        )
        raise InvalidValue("NOT_SUPPORTED", message)
    value = f"{text_of(slug)}::numeric" if family is Family.NUMBER else f'({text_of(slug)} COLLATE "C")'
    figure = step.hop.aggregate(function, value, _ACTIVE)
    return Sql(f"trim_scale({figure.text})", figure.values) if function == "avg" else figure
