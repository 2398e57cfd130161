"""A caller for tests that change nothing."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.api import Api
from tests.factories.tenant import TenantFactory


@pytest.fixture(scope="module")
def anyone(owner_app: Flask, app: Flask) -> Api:
    """One for all tests of a module."""
    return TenantFactory(owner_app, app).create().api
