"""The shape of the data as one caller sees it: cached by schema revision, and cut by what is hidden from him."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import current_app

from oneo.access import policy
from oneo.access.permissions import P
from oneo.access.rules import rule_relations
from oneo.actor import Actor, Grant
from oneo.errors import DomainError, PipelineNotFound, StaleActor
from oneo.fields.shapes import FieldShape, PipelineShape, Schema
from oneo.filters.columns import Catalogue
from oneo.filters.compile import compile_filter
from oneo.filters.data import catalogue
from oneo.filters.parse import parse_json
from oneo.filters.sql import FALSE, TRUE, Sql, any_of
from oneo.ids import as_id
from oneo.store.schema import load_schema
from oneo.store.search import Reach

MAX_SCHEMAS = 500
_SEEING = (P.PIPELINES_READ, P.RECORDS_READ, P.RECORDS_CREATE, P.RECORDS_UPDATE, P.RECORDS_DELETE)


class SchemaCache:
    """The latest schema of each tenant in use. Whoever needs one that is not there loads it, the others wait.

    `on_unsettled` hears of tenants whose index slots are not all ready.
    """

    def __init__(self, on_unsettled: Callable[[UUID], None]) -> None:
        self._on_unsettled = on_unsettled
        self._lock = threading.Lock()
        self._schemas: OrderedDict[UUID, Schema] = OrderedDict()
        self._loading: dict[UUID, threading.Lock] = {}

    def of(self, tenant_id: UUID, revision: int) -> Schema:
        """Raises StaleActor when the tenant has another revision by now."""
        found = self._schemas.get(tenant_id)
        if found is None or found.revision < revision:
            with self._lock:
                turn = self._loading.setdefault(tenant_id, threading.Lock())
            with turn:
                found = self._schemas.get(tenant_id)
                if found is None or found.revision < revision:
                    found = self._load(tenant_id)
        if found.revision != revision:
            raise StaleActor
        return found

    def _load(self, tenant_id: UUID) -> Schema:
        found = load_schema(tenant_id)
        if found is None:
            raise StaleActor
        with self._lock:
            self._schemas[tenant_id] = found
            self._schemas.move_to_end(tenant_id)
            while len(self._schemas) > MAX_SCHEMAS:
                gone, _ = self._schemas.popitem(last=False)
                self._loading.pop(gone, None)
        if found.unsettled:
            self._on_unsettled(tenant_id)
        return found


@dataclass(frozen=True, slots=True)
class Sight:
    """A pipeline as the caller sees it. What is hidden from him, or removed, does not exist."""

    shape: PipelineShape
    hidden: frozenset[str]

    @property
    def fields(self) -> dict[str, FieldShape]:
        return {slug: found for slug, found in self.shape.fields.items() if slug not in self.hidden}

    @property
    def columns(self) -> Catalogue:
        """What he may filter and sort by."""
        memo = self.shape.memo
        key = ("columns", self.hidden)
        if key not in memo:
            memo[key] = catalogue(self.shape, self.hidden)
        found: Catalogue = memo[key]
        return found


def schema_of(actor: Actor) -> Schema:
    """Raises StaleActor."""
    cache: SchemaCache = current_app.extensions["oneo.schemas"]
    if actor.is_system:
        found = load_schema(actor.tenant_id)
        if found is None:
            raise StaleActor
        return found
    return cache.of(actor.tenant_id, actor.schema_revision)


def sees_pipeline(actor: Actor, pipeline_id: UUID) -> bool:
    return policy.sees(actor, pipeline_id, _SEEING)


def seen_pipelines(actor: Actor) -> frozenset[UUID] | None:
    """The pipelines that he sees, those that are deleted among them; None is all."""
    return policy.seen(actor, _SEEING)


def sight_of(actor: Actor, shape: PipelineShape) -> Sight:
    return Sight(shape, policy.hidden_fields(actor, shape.id) | shape.removed)


def find_pipeline(
    actor: Actor, name: str | UUID, permission: P, *, missing: type[DomainError] = PipelineNotFound
) -> Sight:
    """By id or slug. Raises PipelineNotFound when the caller sees no such pipeline, PermissionDenied when he sees it
    and may not do this there.
    """
    shape = schema_of(actor).find(as_id(name) or name if isinstance(name, str) else name)
    if shape is None or not sees_pipeline(actor, shape.id):
        raise missing
    policy.require(actor, permission, shape.id)
    return sight_of(actor, shape)


def readable_reaches(actor: Actor) -> list[Reach]:
    """The pipelines whose records he may read, with what he sees of them."""
    return [
        Reach(shape, sight_of(actor, shape).hidden, row_scope(actor, P.RECORDS_READ, shape))
        for shape in schema_of(actor).pipelines.values()
        if policy.allows(actor, P.RECORDS_READ, shape.id)
    ]


def row_scope(actor: Actor, permission: P, shape: PipelineShape, *, slots: bool = True) -> Sql:
    """Which records of the pipeline his grants reach, as a condition on the record `r`, with or without its slots."""
    rules = policy.row_rules(actor, permission, shape.id)
    if rules is None:
        return TRUE
    return any_of([_rule(actor, grant, shape, slots=slots) for grant in rules])


def _rule(actor: Actor, grant: Grant, shape: PipelineShape, *, slots: bool) -> Sql:
    """A rule that cannot be read for this pipeline, because a field is gone, reaches nothing."""
    if grant.rows == "own":
        return Sql("r.created_by = %s", [actor.user_id])
    columns = catalogue(shape, shape.removed, slots=slots)
    schema = schema_of(actor)
    try:
        rule = with_caller(grant.row_filter, actor)
        node = parse_json(rule, columns, lambda: rule_relations(actor.tenant_id, schema, shape))
        return compile_filter(node, columns)
    except DomainError:
        return FALSE


def with_caller(rule: Any, actor: Actor) -> Any:
    """A rule in which `$me` has become the caller's id."""
    if isinstance(rule, dict):
        return {key: with_caller(value, actor) for key, value in rule.items()}
    if isinstance(rule, list):
        return [with_caller(value, actor) for value in rule]
    return str(actor.user_id) if rule == "$me" else rule
