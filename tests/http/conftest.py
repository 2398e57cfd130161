"""A server and a caller for requests that are made from the document."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.factories.tenant import TenantFactory
from tests.http.conformance import Caller
from tests.live import serve


@pytest.fixture(scope="module")
def address(app: Flask) -> Iterator[str]:
    with serve(app) as found:
        yield found


@pytest.fixture
def caller(tenants: TenantFactory) -> Caller:
    return Caller(tenants)
