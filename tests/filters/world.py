"""Companies, people and how they are related: what conditions on related records are asked about."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote
from uuid import UUID

from oneo.actor import system_actor
from oneo.events.unit import unit
from oneo.models import Field
from tests.api import Api
from tests.factories.pipeline import pipeline, record
from tests.factories.relationship import relate, relationship_type
from tests.factories.tenant import TestTenant


class World:
    """Companies that employ people, who know each other, and own cars or anything else."""

    def __init__(self, tenant: TestTenant) -> None:
        self.tenant, self.api = tenant, tenant.api
        name = {"name": "Name", "field_type": "text"}
        pipeline(self.api, "Companies", [name, {"name": "Size", "field_type": "number"}])
        pipeline(self.api, "People", [
            name, {"name": "Age", "field_type": "number"}, {"name": "Pay", "field_type": "decimal"},
            {"name": "Born", "field_type": "date"}, {"name": "Notes", "field_type": "json"},
        ])  # fmt: skip
        self.ids: dict[str, str] = {}
        for one in ("acme", "bolt", "cyan"):
            self.ids[one] = record(self.api, "companies", {"name": one, "size": len(self.ids)})["id"]
        for at, one in enumerate(("ada", "bob", "cleo", "dan")):
            data = {"name": one, "age": 20 + 10 * at, "pay": f"{at}.5", "born": f"200{at}-01-01", "notes": {"at": at}}
            self.ids[one] = record(self.api, "people", data)["id"]
        self.employs = relationship_type(tenant, "employs", "companies", "people")
        self.knows = relationship_type(tenant, "knows", "people", "people")
        self.owns = relationship_type(tenant, "owns")

    def link(self, kind: UUID, *pairs: str, **columns: Any) -> None:
        """Pairs are `acme ada`."""
        ends = [(self.ids[pair.split()[0]], self.ids[pair.split()[1]]) for pair in pairs]
        relate(self.tenant, kind, ends, **columns)

    def find(self, name: str, asked: dict[str, Any], api: Api | None = None, query: str = "") -> list[str]:
        found = (api or self.api).get(
            f"/pipelines/{name}/records/?ordering=created_at&filter={quote(json.dumps(asked))}{query}"
        )
        assert found.status_code == 200, found.text
        assert found.json["count"] == len(found.json["results"])
        return [row["data"]["name"] for row in found.json["results"]]

    def works_at(self) -> UUID:
        """A type that has fields of its own."""
        made = relationship_type(self.tenant, "works_at", "people", "companies")
        with self.tenant.app.app_context(), unit(system_actor(self.tenant.id)) as work:
            for at, (slug, kind) in enumerate((("role", "text"), ("hours", "number"))):
                work.session.add(
                    Field(pipeline_id=made, slug=slug, name=slug, field_type=kind, field_config={}, display_order=at)
                )
            work.renew_schema()
        return made


def peopled(tenant: TestTenant) -> World:
    found = World(tenant)
    found.link(found.employs, "acme ada", "acme bob", "bolt cleo")
    found.link(found.employs, "bolt dan", status="INACTIVE", strength=0.25, meta={"a": {"b": 1}})
    found.link(found.employs, "cyan ada", effective_from="2020-01-01", effective_until="2021-01-01")
    found.link(found.knows, "ada bob", "bob cleo")
    found.link(found.knows, "dan cleo", is_bidirectional=True)
    found.link(found.owns, "ada acme", "ada bolt", "bob bob")
    return found


def related(kind: str, **more: Any) -> dict[str, Any]:
    return {"related": {"type": kind, **more}}
