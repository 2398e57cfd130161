"""A list whose rows change without an event has no counts kept: the event number does not say that it changed."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from flask import Flask

from oneo.store import identity
from oneo.store.resources import WRITTEN_WITHOUT_EVENTS
from tests.api import Api
from tests.architecture.sources import ROOT
from tests.factories.tenant import TestTenant

QUERY = "/auth/api-keys/?last_used_at__exists="


def _counts(api: Api) -> dict[str, Any]:
    return {asked: api.get(QUERY + asked).json["count"] for asked in ("true", "false")}


def test_the_count_of_used_api_keys_follows_their_use(app: Flask, tenant: TestTenant) -> None:
    made = tenant.api.post("/auth/api-keys/", {"name": "key"}).json
    assert _counts(tenant.api) == {"true": 0, "false": 1}
    with app.app_context():
        identity.note_key_use(tenant.id, [UUID(made["id"])])
    assert _counts(tenant.api) == {"true": 1, "false": 0}


def test_tables_that_notes_write_are_known() -> None:
    """`message.note` sends writes that have no event."""
    written = set()
    for path in sorted((ROOT / "oneo").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"message\.note\(\s*tenant_id, (\w+)", text):
            sql = re.search(rf'^{name} = """(.*?)"""', text, re.MULTILINE | re.DOTALL)
            assert sql is not None, f"{path} does not keep the statement {name} in a constant"
            written |= set(re.findall(r"(?:UPDATE|DELETE FROM|INSERT INTO) (\w+)", sql[1]))
    assert written
    assert written <= WRITTEN_WITHOUT_EVENTS
