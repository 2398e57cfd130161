"""The application behind a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.live import serve


@pytest.fixture(scope="module")
def url(app: Flask) -> Iterator[str]:
    with serve(app) as address:
        yield address
