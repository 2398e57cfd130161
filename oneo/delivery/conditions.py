"""What subscribers ask of events: filters of the shared language, asked of the state that an event tells of."""

from __future__ import annotations

from oneo.access.permissions import P
from oneo.access.relationships import readable_types
from oneo.access.schema import find_pipeline
from oneo.actor import Actor
from oneo.delivery.topics import Topic
from oneo.errors import FaultList, InvalidParameter, ValidationFailed
from oneo.filters.ast import Comparison, Node, Not, Related
from oneo.filters.columns import Catalogue
from oneo.filters.compile import compile_filter
from oneo.filters.data import COMMON, catalogue
from oneo.filters.parse import parse_json
from oneo.filters.sql import Sql
from oneo.store.event_state import link_then_sql, of_kind, then_sql
from oneo.store.links import told_columns

MAX_COMPARISONS = 20


def condition_of(actor: Actor, topic: Topic, asked: object) -> Sql | None:
    """None when nothing is asked. Of all records and of relationships only what all of them have can be asked.

    Raises ValidationFailed, PipelineNotFound, PermissionDenied, StaleActor.
    """
    if asked is None or asked == {}:
        return None
    faults = FaultList()
    if not topic.takes_filter:
        faults.add("/filter", "NOT_SUPPORTED", "This topic takes no filter.")
    faults.check(ValidationFailed)
    if "relationship" in topic.subjects:
        seen = [(found.type, found.own.hidden) for found in readable_types(actor)]
        return of_kind("relationship", link_then_sql(_compiled(asked, told_columns(seen)), "d.shown"))
    sight = find_pipeline(actor, topic.pipeline_id, P.RECORDS_READ) if topic.pipeline_id else None
    columns: Catalogue = catalogue(sight.shape, sight.hidden, slots=False) if sight else COMMON
    return of_kind("record", then_sql(_compiled(asked, columns), "d.shown", sight.shape if sight else None))


def _compiled(asked: object, columns: Catalogue) -> Sql:
    try:
        node = parse_json(asked, columns)
    except InvalidParameter as error:
        raise ValidationFailed(faults=error.faults, extra=error.extra) from None
    faults = FaultList()
    if _comparisons(node) > MAX_COMPARISONS:
        faults.add("/filter", "INVALID_FILTER", f"A subscription compares {MAX_COMPARISONS} times at most.")
    faults.check(ValidationFailed)
    return compile_filter(node, columns)


def _comparisons(node: Node) -> int:
    if isinstance(node, Comparison | Related):
        return 1
    return _comparisons(node.part) if isinstance(node, Not) else sum(_comparisons(part) for part in node.parts)
