"""The application behind a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.factories.tenant import TestTenant
from tests.live import serve
from tests.realtime.client import Listener, token_of


@pytest.fixture(scope="module")
def url(app: Flask) -> Iterator[str]:
    with serve(app) as address:
        yield address


@pytest.fixture
def listener(url: str, tenant: TestTenant) -> Iterator[Listener]:
    """The administrator, connected."""
    with Listener(url, token_of(tenant.api)) as connected:
        yield connected
