"""Query strings and JSON to the AST. Every unknown name, operator or value is a fault with the nearest valid name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from oneo.errors import Fault, FaultList, InvalidParameter, pointer
from oneo.fields.base import MAX_LIST, FieldType
from oneo.fields.kinds.base import InvalidValue
from oneo.filters.ast import OPERATORS, And, Comparison, Node, Not, Or
from oneo.filters.columns import Catalogue, nearest_column
from oneo.filters.related import MAX_RELATED, Relations, parse_related

MAX_CONDITIONS = 100
MAX_VALUES = 1_000
MAX_DEPTH = 8

_ITEM = re.compile(r'"(?P<quoted>(?:[^"]|"")*+)"(?=,|\Z)|(?P<plain>[^,]*)')

Reader = Callable[[object], object]


@dataclass(slots=True)
class Budget:
    """What all the filters of a request have asked so far: planning them takes the database time and memory."""

    conditions: int = 0
    relations: int = 0
    values: int = 0

    def take_condition(self, where: str) -> None:
        """Raises InvalidParameter: a filter is read no further when it is too large."""
        self.conditions += 1
        if self.conditions > MAX_CONDITIONS:
            raise _too_large(where, f"A filter has at most {MAX_CONDITIONS} conditions.")

    def take_values(self, count: int, where: str) -> None:
        """Raises InvalidParameter."""
        self.values += count
        if self.values > MAX_VALUES:
            raise _too_large(where, f"All conditions together list at most {MAX_VALUES:,} values.")


def _too_large(where: str, message: str) -> InvalidParameter:
    return InvalidParameter(faults=[Fault(where, "INVALID_FILTER", message)])


def parse_query(
    parameters: Mapping[str, Sequence[str]], catalogue: Catalogue, budget: Budget | None = None
) -> Node:  # fmt: skip
    """All conditions of a query string, `<name>[__<operator>]=<value>`. Raises InvalidParameter."""
    faults = FaultList()
    budget = budget or Budget()
    parts: list[Node] = []
    for key, texts in parameters.items():
        for text in texts:
            budget.take_condition(pointer(key))
            node = _query_condition(key, text, catalogue, faults, budget)
            if node is not None:
                parts.append(node)
    faults.check(InvalidParameter)
    return And(tuple(parts))


def parse_json(
    value: object, catalogue: Catalogue, relations: Callable[[], Relations] | None = None, *, where: str = "/filter",
    budget: Budget | None = None,
) -> Node:  # fmt: skip
    """The same language as JSON: `{"and": [{"name": {"contains": "x"}}, ...]}`. Raises InvalidParameter.

    `{}` as a whole asks nothing. Inside it would quietly take the conditions around it away, and is refused.
    `relations` are what leads on from the rows; without them none does. A `budget` is shared with other filters of the
    same request.
    """
    faults = FaultList()
    parser = _JsonParser(catalogue, faults, relations, budget or Budget())
    node = And(()) if value == {} else parser.parse(value, where, 1)
    faults.check(InvalidParameter)
    return node


def _query_condition(
    key: str, text: str, catalogue: Catalogue, faults: FaultList, budget: Budget
) -> Node | None:  # fmt: skip
    name, operator = _split(key, catalogue)
    column = catalogue.get(name)
    if column is None:
        faults.add(
            pointer(key), "UNKNOWN_PARAMETER", f"There is no parameter {key[:100]!r}.",
            near=(name if operator in OPERATORS else key, catalogue), find=nearest_column,
        )  # fmt: skip
        return None
    chosen = operator or column.type.bare
    if not _operator_known(chosen, column.type, pointer(key), faults):
        return None
    if chosen in {"in", "not_in"}:
        items: object = _listed(text)
    else:
        items = text
    return _comparison(name, chosen, items, column.type, pointer(key), faults, budget, from_text=True)


def _listed(text: str) -> list[str]:
    """Parts between commas. One in double quotes may have commas in it, and twice each quote that is meant."""
    parts: list[str] = []
    at = 0 if text else 1
    while at <= len(text):
        found = _ITEM.match(text, at)
        assert found is not None  # noqa: S101 - it matches everywhere
        parts.append(found["plain"] if found["quoted"] is None else found["quoted"].replace('""', '"'))
        at = found.end() + 1
    return parts


def _split(key: str, catalogue: Catalogue) -> tuple[str, str]:
    if key in catalogue:
        return key, ""
    for suffix, operator in (("_after", "gte"), ("_before", "lte")):
        if key.endswith(suffix) and f"{key.removesuffix(suffix)}_at" in catalogue:
            return f"{key.removesuffix(suffix)}_at", operator
    name, _, operator = key.rpartition("__")
    return (name, operator) if name and operator else (key, "")


def _operator_known(operator: str, type_: FieldType, where: str, faults: FaultList) -> bool:
    if operator in type_.operators:
        return True
    faults.add(
        where, "UNKNOWN_OPERATOR", f"The operator {operator[:50]!r} is not known for {type_.name}.",
        allowed=type_.operators, near=(operator, type_.operators),
    )  # fmt: skip
    return False


def _comparison(
    name: str, operator: str, value: object, type_: FieldType, where: str, faults: FaultList, budget: Budget, *,
    from_text: bool = False,
) -> Node | None:  # fmt: skip
    if isinstance(value, list) and len(value) <= MAX_LIST:
        budget.take_values(len(value), where)
    try:
        return Comparison(name, operator, type_.operand(operator, value, from_text=from_text))
    except InvalidValue as error:
        error.add_to(faults, where)
    except ValueError as error:
        faults.add(where, "INVALID_VALUE", str(error))
    return None


class _JsonParser:
    def __init__(
        self, catalogue: Catalogue, faults: FaultList, relations: Callable[[], Relations] | None,
        budget: Budget,
    ) -> None:  # fmt: skip
        self._catalogue = catalogue
        self._faults = faults
        self._relations = relations
        self._budget = budget

    def parse(self, value: object, where: str, depth: int) -> Node:
        if not isinstance(value, Mapping) or depth > MAX_DEPTH:
            self._faults.add(where, "INVALID_FILTER", f"An object, nested at most {MAX_DEPTH} deep, is expected.")
        elif not value:
            self._faults.add(where, "INVALID_FILTER", "A condition is expected, and there is none.")
        else:
            return And(tuple(self._member(key, item, where + pointer(key), depth) for key, item in value.items()))
        return And(())

    def _member(self, key: str, value: object, where: str, depth: int) -> Node:
        if key in {"and", "or"}:
            if not isinstance(value, list) or not value:
                self._faults.add(where, "INVALID_FILTER", "A list of conditions is expected, and not an empty one.")
                return And(())
            parts = tuple(self.parse(item, where + pointer(at), depth + 1) for at, item in enumerate(value))
            return And(parts) if key == "and" else Or(parts)
        if key == "not":
            return Not(self.parse(value, where, depth + 1))
        if key == "related" and self._relations is not None:
            return self._related(value, where, self._relations(), depth)
        return self._condition(key, value, where)

    def _related(self, value: object, where: str, relations: Relations, depth: int) -> Node:
        def ask(inner: object, place: str, catalogue: Catalogue, beyond: Relations | None) -> Node:
            leading = (lambda: beyond) if beyond is not None else None
            return _JsonParser(catalogue, self._faults, leading, self._budget).parse(inner, place, depth + 1)

        self._budget.relations += len(value) if isinstance(value, list) else 1
        if self._budget.relations > MAX_RELATED:
            self._faults.add(where, "INVALID_FILTER", f"A filter has at most {MAX_RELATED} relations.")
            return And(())
        return parse_related(value, where, relations, self._faults, ask)

    def _condition(self, key: str, value: object, where: str) -> Node:
        """A key may end with its operator, as in a query string."""
        self._budget.take_condition(where)
        name, ending = _split(key, self._catalogue)
        column = self._catalogue.get(name)
        if column is None:
            known = [*self._catalogue, *(("related",) if self._relations else ())]
            self._faults.add(
                where, "UNKNOWN_FIELD", f"There is no field {key[:100]!r} to filter by.",
                near=(name if ending in OPERATORS else key, known), find=nearest_column,
            )  # fmt: skip
            return And(())
        tests = value if isinstance(value, Mapping) and not ending else {ending or "exact": value}
        if not tests:
            self._faults.add(where, "INVALID_FILTER", "A test is expected, and there is none.")
        parts: list[Node | None] = []
        for operator, operand in tests.items():
            place = where if ending else where + pointer(operator)
            if _operator_known(operator, column.type, place, self._faults):
                parts.append(_comparison(name, operator, operand, column.type, place, self._faults, self._budget))
        return And(tuple(part for part in parts if part is not None))
