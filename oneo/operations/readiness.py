"""Whether the server can do its work: the database answers, its schema is there, the fence holds."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache

import psycopg2
from alembic.script import ScriptDirectory
from flask import current_app

from oneo.errors import ConfigurationError, DomainError
from oneo.store.fence import check_fence
from oneo.store.revision import applied_revision

PROBE_SECONDS = 2.0
"""Load balancers give up soon after."""
_NOT_READY = {"database": False, "migrations": False, "role": False}
_log = logging.getLogger("oneo.readiness")


class ReadinessProbe:
    """Runs the checks in a thread of their own, so that a database that hangs does not make the probe hang. Probes that
    come meanwhile wait for the same run: a frozen database holds one connection, however often it is asked for.
    """

    def __init__(self, app_context: Callable[[], AbstractContextManager[object]]) -> None:
        self._app_context = app_context
        self._lock = threading.Lock()
        self._running: threading.Thread | None = None
        self._latest = _NOT_READY

    def check(self) -> dict[str, bool]:
        """Return each check by name; all have failed when they take longer than PROBE_SECONDS."""
        with self._lock:
            if self._running is None or not self._running.is_alive():
                self._running = threading.Thread(target=self._run, name="readiness", daemon=True)
                self._running.start()
            thread = self._running
        thread.join(PROBE_SECONDS)
        if thread.is_alive():
            _log.warning("not ready: the database did not answer within %s s", PROBE_SECONDS)
            return _NOT_READY
        return self._latest

    def _run(self) -> None:
        self._latest = _NOT_READY
        with self._app_context():
            self._latest = check_readiness()


def check_readiness() -> dict[str, bool]:
    """Return each check by name. Why one fails is for the log, not for whoever asks."""
    if not _passes("database", applied_revision):
        return _NOT_READY
    return {
        "database": True,
        "migrations": _passes("migrations", check_migrated),
        "role": _passes("role", check_fence),
    }


def is_empty() -> bool:
    """Whether nothing was ever migrated here."""
    return applied_revision() is None


def check_migrated() -> None:
    """Raises ConfigurationError when the schema is older than this program. A newer one is as good: migrations are
    compatible with the program before them, so that servers may be replaced one by one.
    """
    applied = applied_revision()
    head, known = _revisions(current_app.extensions["migrate"].directory)
    if applied is None or (applied != head and applied in known):
        raise ConfigurationError(
            f"the database's schema is at {applied or 'nothing'} and this program needs {head}: "
            "run `flask --app wsgi db upgrade` with the owner's login in ONEO_MIGRATION_URL."
        )


@cache
def _revisions(directory: str) -> tuple[str | None, frozenset[str]]:
    """(the newest, all)"""
    scripts = ScriptDirectory(directory)
    return scripts.get_current_head(), frozenset(script.revision for script in scripts.walk_revisions())


def _passes(name: str, check: Callable[[], object]) -> bool:
    try:
        check()
    except (DomainError, ConfigurationError, psycopg2.Error) as error:
        _log.warning("not ready: %s: %s", name, error)
        return False
    return True
