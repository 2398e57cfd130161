"""What a start does to the database before anything is served."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from oneo.actor import system_actor
from oneo.events.unit import unit
from oneo.models import Session
from oneo.server.prepare import prepare
from tests import databases
from tests.factories.tenant import TestTenant, open_session


@pytest.mark.parametrize("embedded", [True, False], ids=["embedded", "external"])
def test_old_sessions_are_deleted_where_nobody_else_would(
    database_address: str, tenant: TestTenant, *, embedded: bool
) -> None:
    session_id, _ = open_session(tenant.app, tenant.id, tenant.admin.id)
    long_ago = datetime.now(UTC) - timedelta(days=31)
    with tenant.app.app_context(), unit(system_actor(tenant.id)) as work:
        work.session.execute(update(Session).where(Session.id == session_id).values(expires_at=long_ago))
    prepare(databases.settings(database_address), embedded=embedded)
    with tenant.app.app_context(), unit(system_actor(tenant.id)) as work:
        assert (session_id in work.session.scalars(select(Session.id)).all()) == (not embedded)
