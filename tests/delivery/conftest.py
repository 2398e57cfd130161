"""Hubs of a test's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from oneo.delivery.hub import Hub
from oneo.events.unit import listeners


@pytest.fixture
def hub(app: Flask) -> Iterator[Hub]:
    """A hub of its own, woken by commits of this process."""
    made = Hub(app)
    with app.app_context():
        listeners().append(made.wake)
        yield made
        listeners().remove(made.wake)
    made.stop()


@pytest.fixture
def deaf(app: Flask) -> Iterator[Hub]:
    """A hub that nobody wakes, as for the commits of other processes."""
    made = Hub(app)
    with app.app_context():
        yield made
    made.stop()
