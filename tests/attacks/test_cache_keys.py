"""What caches keep is found only by those, and only for that, which it was made for."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from oneo.access.schema import schema_of
from oneo.actor import Actor, CredentialKind
from oneo.errors import Conflict
from oneo.events.unit import unit
from oneo.fields.shapes import PipelineShape
from oneo.ids import new_id
from oneo.store import record_writes
from oneo.store.records import pipeline_of
from tests.api import Api
from tests.factories.pipeline import pipeline, record
from tests.factories.relationship import link, own_field, relationship_type
from tests.factories.tenant import TestTenant
from tests.store.test_message import actor_of

TEXT: list[dict[str, Any]] = [{"name": "Text", "field_type": "text"}]


def _key(tenant: TestTenant, scopes: list[str]) -> Api:
    made = tenant.api.post("/auth/api-keys/", {"name": "key", "scopes": scopes})
    return Api(tenant.app, made.json["key"])


def test_a_list_s_tag_is_not_shared_with_an_api_key(tenant: TestTenant) -> None:
    """A narrower key may be shown fewer rows, so "not modified" would be wrong."""
    pipeline(tenant.api, "Notes", TEXT)
    narrow = _key(tenant, ["pipelines:read", "records:read"])
    tag = tenant.api.get("/pipelines/").headers["ETag"]
    assert tenant.api.get("/pipelines/", headers={"If-None-Match": tag}).status_code == 304
    assert narrow.get("/pipelines/", headers={"If-None-Match": tag}).status_code == 200


def test_a_relationship_s_tag_is_not_shared_by_callers_who_see_different_fields(tenant: TestTenant) -> None:
    pipeline(tenant.api, "Notes", TEXT)
    near = relationship_type(tenant, "near")
    for slug in ("place", "secret"):
        own_field(tenant, near, slug)
    source, target = (record(tenant.api, "notes", {"text": text})["id"] for text in "ab")
    path = f"/relationships/{link(tenant.api, 'near', source, target)['id']}/"
    blind = [
        tenant.user(tenant.role(slug, [
            {"permission": "records:read"}, {"permission": "relationships:read", "hidden_fields": [slug]},
        ])).api
        for slug in ("place", "secret")
    ]  # fmt: skip
    tag = blind[0].get(path).headers["ETag"]
    assert blind[0].get(path, headers={"If-None-Match": tag}).status_code == 304
    assert blind[1].get(path, headers={"If-None-Match": tag}).status_code == 200


def _insert_and_fail(actor: Actor, shape: PipelineShape, row: dict[str, Any]) -> None:
    with unit(actor):
        record_writes.insert(actor, shape, [row], hidden=frozenset())
        assert pipeline_of(actor, row["id"]) == shape.id
        raise Conflict


def test_the_pipeline_of_a_record_that_was_rolled_back_is_not_kept(app: Flask, tenant: TestTenant) -> None:
    for name in ("Notes", "Other"):
        pipeline(tenant.api, name, TEXT)
    record_id = new_id()
    with app.app_context():
        actor = actor_of(tenant)
        shape = schema_of(actor).find("notes")
        assert shape is not None
        row = {"id": record_id, "title": "", "status": "active", "data": {}}
        with pytest.raises(Conflict):
            _insert_and_fail(actor, shape, row)
    entry = [{"id": str(record_id), "data": {"text": "again"}}]
    made = tenant.api.post("/pipelines/other/records/bulk_upsert/?on=id", entry)
    assert made.status_code in {200, 201}, made.text
    assert tenant.api.get(f"/records/{record_id}/").json["data"] == {"text": "again"}


def test_loaded_actors_are_found_by_tenant_kind_and_credential(
    app: Flask, tenant: TestTenant, other: TestTenant
) -> None:
    with app.app_context():
        cache = app.extensions["oneo.actors"]
        actor = actor_of(tenant)
        assert cache.get(tenant.id, CredentialKind.SESSION, actor.credential_id) is actor
        strangers: list[tuple[UUID, CredentialKind]] = [
            (other.id, CredentialKind.SESSION), (tenant.id, CredentialKind.API_KEY),
        ]  # fmt: skip
        for tenant_id, kind in strangers:
            assert cache.get(tenant_id, kind, actor.credential_id) is None
