"""Advisory locks of one tenant never exclude another, even where records of both have the same id."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import combinations
from typing import Any
from uuid import UUID

import pytest

from oneo.actor import Actor
from oneo.events.unit import unit
from oneo.ids import new_id
from oneo.operations import records, relationships
from oneo.store.locks import Lock, LockKind
from tests.api import Api
from tests.architecture.sources import ROOT
from tests.factories.pipeline import pipeline
from tests.factories.tenant import TestTenant
from tests.store.test_message import actor_of
from tests.threads import together

IDS = [str(new_id()) for _ in range(3)]


def _same_records(tenant: TestTenant) -> None:
    """A hierarchy among records whose ids are those of the other tenant's records."""
    pipeline(tenant.api, "Notes", [{"name": "Text", "field_type": "text"}])
    made = tenant.api.post("/relationships/types/", {"name": "Near", "slug": "near", "cardinality": "one_to_one"})
    assert made.status_code == 201, made.text
    rows = [{"id": record_id, "data": {"text": "same"}} for record_id in IDS]
    upserted = tenant.api.post("/pipelines/notes/records/bulk_upsert/?on=id", rows)
    assert upserted.status_code in {200, 201}, upserted.text


def _relate(actor: Actor) -> None:
    body = {"relationship_type": "near", "source_record_id": UUID(IDS[0]), "target_record_id": UUID(IDS[1])}
    relationships.create_relationship(actor, body)


def _remove(actor: Actor) -> None:
    records.delete_record(actor, UUID(IDS[0]))


@contextmanager
def _uncommitted(tenant: TestTenant, write: Callable[[Actor], None]) -> Iterator[None]:
    """While the block lasts the write holds its locks."""
    with tenant.app.app_context():
        actor = actor_of(tenant)
        with unit(actor):
            write(actor)
            yield


def _write_all(api: Api) -> list[int]:
    """The statuses of a write that takes each kind of lock."""
    body = {"relationship_type": "near", "source_record_id": IDS[0], "target_record_id": IDS[1]}
    made = api.post("/relationships/", body, headers={"Idempotency-Key": "same"})
    changed = api.patch(f"/records/{IDS[0]}/", {"status": "other"})
    return [made.status_code, changed.status_code, api.delete(f"/records/{IDS[0]}/").status_code]


@pytest.mark.parametrize("write", [_relate, _remove])
def test_locks_of_another_tenant_are_not_waited_for(
    tenant: TestTenant, other: TestTenant, write: Callable[[Actor], None]
) -> None:
    _same_records(tenant)
    _same_records(other)
    with _uncommitted(tenant, write):
        assert together([lambda: _write_all(other.api)]) == [[201, 200, 204]]


def test_keys_differ_by_tenant_kind_and_ids() -> None:
    tenants, ids = (new_id(), new_id()), (new_id(), new_id())
    named: list[tuple[Any, ...]] = [
        (tenant_id, kind, *chosen)
        for tenant_id in tenants
        for kind in LockKind
        for chosen in ((), ids[:1], ids[1:], ids, ids[::-1])
    ]
    for one, another in combinations(named, 2):
        assert Lock.of(*one).key != Lock.of(*another).key, (one, another)


def test_keys_are_derived_in_one_place() -> None:
    found = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "oneo").rglob("*.py"))
        if re.search(r"pg_(try_)?advisory|hashtext", path.read_text(encoding="utf-8"))
    ]
    assert found == ["oneo/store/locks.py"]
