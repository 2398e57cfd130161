"""Servers that a test may do anything to."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import LiveServer


@pytest.fixture
def own(database_address: str, tmp_path: Path) -> Iterator[LiveServer]:
    """On the database of the tests."""
    with LiveServer(tmp_path, database_url=database_address) as server:
        yield server


@pytest.fixture
def bundled() -> Iterator[LiveServer]:
    """With its own PostgreSQL, started for the first time."""
    # Not pytest's folder: run as root, PostgreSQL is another user, to whom any other pytest may shut it meanwhile.
    with tempfile.TemporaryDirectory(prefix="oneo-live-") as folder, LiveServer(Path(folder)) as server:
        yield server
