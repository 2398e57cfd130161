"""Whether the server can do its work: the database answers, its schema is there, the fence holds."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache

import psycopg2
from alembic.script import ScriptDirectory
from flask import current_app

from oneo.errors import ConfigurationError, DomainError
from oneo.store.fence import check_fence
from oneo.store.revision import applied_revision

_log = logging.getLogger("oneo.readiness")


def check_readiness() -> dict[str, bool]:
    """Each check by name. Why one fails is for the log, not for whoever asks."""
    if not _passes("database", applied_revision):
        return {"database": False, "migrations": False, "role": False}
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
