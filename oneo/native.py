"""Work that keeps a processor busy for long, out of the way of everybody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import current_app


def in_thread(work: Callable[..., Any], *arguments: object) -> Any:
    """Runs where the server says, so that it does not stop its event loop."""
    run: Callable[..., Any] | None = current_app.extensions.get("oneo.run_native")
    return run(work, *arguments) if run else work(*arguments)
