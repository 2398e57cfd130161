"""Conditions on related records: `{"related": {"type": "employs", "filter": {...}}}`, read into a step of the AST."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from oneo.errors import FaultList, pointer
from oneo.fields.dates import DateTime
from oneo.fields.kinds.base import InvalidValue
from oneo.fields.links import TypeShape
from oneo.fields.shapes import PipelineShape
from oneo.filters.ast import And, Comparison, Node, Not, Or, Related
from oneo.filters.columns import Catalogue
from oneo.filters.data import COMMON, catalogue
from oneo.filters.hops import COUNTS, Hop, Reach, Way
from oneo.filters.link_columns import own_columns
from oneo.filters.sql import Sql

MAX_HOPS = 3
MAX_RELATED = 10
"""Steps in one filter."""
MAX_COUNT = 1_000_000
_OUT, _IN = ("source", "target"), ("target", "source")
DIRECTIONS: Mapping[str, tuple[Way, ...]] = {
    "outbound": (Way(*_OUT), Way(*_IN, against=True)),
    "inbound": (Way(*_IN), Way(*_OUT, against=True)),
    "both": (Way(*_OUT), Way(*_IN)),
}
ALIASES = {"forward": "outbound", "reverse": "inbound"}
_KEYS = ("type", "direction", "pipeline", "filter", "link", "effective_at", "count", "exists")
_FAR = {name: column for name, column in COMMON.items() if name != "title"}


@dataclass(frozen=True, slots=True, eq=False)
class Relations:
    """What leads on from records of a pipeline, or of any: types and pipelines that exist for whoever asks, which of
    their records do, and which fields do not. Where `whole`, all records count, also those of no pipeline given here.
    """

    tenant_id: UUID
    near: UUID | None
    types: Sequence[TypeShape]
    pipelines: Sequence[PipelineShape]
    scope: Callable[[PipelineShape], Sql]
    hidden: Callable[[UUID], frozenset[str]]
    link_columns: Catalogue
    whole: bool = False
    left: int = MAX_HOPS

    def type_named(self, name: object) -> TypeShape:
        """By id or slug. Raises InvalidValue."""
        for found in self.types:
            if name in (found.slug, str(found.id)):
                return found
        near = (name, [found.slug for found in self.types]) if isinstance(name, str) else None
        message = "There is no such relationship type."
        raise InvalidValue("RELATIONSHIP_TYPE_NOT_FOUND", message, where="/type", near=near)

    def step(
        self, found: TypeShape, direction: object = "both", pipeline: object = None, moment: str | None = None
    ) -> Step:  # fmt: skip
        """Raises InvalidValue."""
        given = ALIASES.get(direction, direction) if isinstance(direction, str) else ""
        if given not in DIRECTIONS:
            known = (*DIRECTIONS, *ALIASES)
            raise InvalidValue("INVALID_VALUE", "There is no such direction.", where="/direction", allowed=known)
        ends = {"source": found.source_id, "target": found.target_id}
        ways = [way for way in DIRECTIONS[given] if self.near is None or ends[way.near] in {None, self.near}]
        if not ways:
            message = "Records of this pipeline are not at that end of such relationships."
            raise InvalidValue("INVALID_VALUE", message, where="/direction" if given != "both" else "/type")
        far = self._pipeline_named(pipeline) if pipeline is not None else None
        if far is not None:
            ways = [way for way in ways if ends[way.far] in {None, far.id}]
            if not ways:
                message = "No record of this pipeline is at the other end of such relationships."
                raise InvalidValue("INVALID_VALUE", message, where="/pipeline")
        places: set[UUID | None] = {far.id} if far else {ends[way.far] for way in ways}
        only = next(iter(places)) if len(places) == 1 else None
        shape = next((one for one in self.pipelines if one.id == only), None)
        columns = catalogue(shape, self._cut(shape)) if shape else _FAR
        reaches = self._reaches(places)
        hop = Hop(self.tenant_id, found.id, tuple(ways), reaches, columns, self._own(found), moment)
        return Step(hop, shape, replace(self, near=only, left=self.left - 1))

    def _pipeline_named(self, name: object) -> PipelineShape:
        for found in self.pipelines:
            if name in (found.slug, str(found.id)):
                return found
        near = (name, [found.slug for found in self.pipelines]) if isinstance(name, str) else None
        raise InvalidValue("PIPELINE_NOT_FOUND", "There is no such pipeline.", where="/pipeline", near=near)

    def _reaches(self, places: set[UUID | None]) -> tuple[Reach, ...]:
        """Pipelines of one and the same scope together; None among the places is all that there are."""
        if self.whole and None in places:
            return (Reach(None, Sql("true")),)
        groups: dict[tuple[str, str], Reach] = {}
        for shape in self.pipelines:
            if None in places or shape.id in places:
                scope = self.scope(shape)
                key = (scope.text, repr(scope.values))
                groups[key] = Reach((*(groups[key].pipelines or ()), shape.id) if key in groups else (shape.id,), scope)
        return tuple(groups.values())

    def _own(self, found: TypeShape) -> Catalogue:
        """What may be asked of relationships of the type."""
        return {**self.link_columns, **own_columns(found.own, self._cut(found.own))}

    def _cut(self, shape: PipelineShape) -> frozenset[str]:
        return self.hidden(shape.id) | shape.removed


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A hop, the pipeline of the records beyond if it is one that may be read, and what leads on from them."""

    hop: Hop
    shape: PipelineShape | None
    beyond: Relations


Ask = Callable[[object, str, Catalogue, Relations | None], Node]
"""Reads further conditions: their JSON, where it stands, what may be asked, and what leads on."""


def parse_related(value: object, where: str, relations: Relations, faults: FaultList, ask: Ask) -> Node:
    """One step, or a list of steps all of which have to hold."""
    if isinstance(value, list):
        return And(tuple(_one(item, where + pointer(at), relations, faults, ask) for at, item in enumerate(value)))
    return _one(value, where, relations, faults, ask)


def _one(value: object, where: str, relations: Relations, faults: FaultList, ask: Ask) -> Node:
    if not isinstance(value, Mapping) or not relations.left:
        message = f"An object is expected, and relations lead at most {MAX_HOPS} steps far."
        faults.add(where, "INVALID_FILTER", message)
        return And(())
    for key in (name for name in value if name not in _KEYS):
        faults.add(
            where + pointer(key), "UNKNOWN_FIELD", f"There is no key {key[:100]!r} in a relation.",
            near=(key, _KEYS),
        )  # fmt: skip
    try:
        step = _step(value, relations)
        counts, exists = _counts(value), _exists(value)
    except InvalidValue as error:
        error.add_to(faults, where)
        return And(())

    def conditions(key: str, columns: Catalogue, beyond: Relations | None) -> Node:
        asked = value.get(key, {})
        return And(()) if asked == {} else ask(asked, where + pointer(key), columns, beyond)

    link = conditions("link", step.hop.link_columns, None)
    if not _names(link, "status"):
        link = And((link, Comparison("status", "exact", "ACTIVE")))
    far = conditions("filter", step.hop.columns, step.beyond)
    found = Related(step.hop, far, link, counts)
    return found if exists else Not(found)


def _step(value: Mapping[str, object], relations: Relations) -> Step:
    moment = None
    if "effective_at" in value:
        try:
            moment = DateTime().from_json(value["effective_at"])
        except ValueError as error:
            raise InvalidValue("INVALID_VALUE", str(error), where="/effective_at") from None
    found = relations.type_named(value.get("type"))
    return relations.step(found, value.get("direction", "both"), value.get("pipeline"), moment)


def _counts(value: Mapping[str, object]) -> tuple[tuple[str, int], ...]:
    """Raises InvalidValue."""
    given = value.get("count", {})
    if not isinstance(given, Mapping) or ("count" in value and not given):
        allowed = tuple(COUNTS)
        raise InvalidValue("INVALID_VALUE", "An object of comparisons is expected.", where="/count", allowed=allowed)
    for operator, number in given.items():
        place = "/count" + pointer(operator)
        if operator not in COUNTS:
            message = f"The operator {operator[:50]!r} is not known for counts."
            raise InvalidValue("UNKNOWN_OPERATOR", message, where=place, allowed=tuple(COUNTS), near=(operator, COUNTS))
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= MAX_COUNT:
            message = f"A whole number from 0 to {MAX_COUNT} is expected."
            raise InvalidValue("INVALID_VALUE", message, where=place)
    return tuple((operator, int(number)) for operator, number in given.items())


def _exists(value: Mapping[str, object]) -> bool:
    found = value.get("exists", True)
    if not isinstance(found, bool):
        raise InvalidValue("INVALID_VALUE", "true or false is expected.", where="/exists")
    if "exists" in value and "count" in value:
        raise InvalidValue("CONTRADICTION", "Either how many there are is asked or whether.", where="/exists")
    return found


def _names(node: Node, name: str) -> bool:
    """Whether the column is asked about anywhere in it."""
    match node:
        case And(parts) | Or(parts):
            return any(_names(part, name) for part in parts)
        case Not(part):
            return _names(part, name)
        case Comparison():
            return node.name == name
    return False
