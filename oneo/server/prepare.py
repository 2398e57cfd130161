"""What must be true of the database before anything is served."""

from __future__ import annotations

import psycopg2

from oneo.config import Settings, driver_url
from oneo.errors import ConfigurationError
from oneo.server.place import Refused

Login = dict[str, str]


def prepare(settings: Settings, *, embedded: bool) -> Login | None:
    """The demo login, if there is one. An embedded database is migrated and rid of old sessions, and gets the demo
    tenants at its first start; any other must be migrated already.

    Raises ConfigurationError when the fence does not hold, Refused.
    """
    _check_reachable("DATABASE_URL", settings.database_url)
    _check_reachable("ONEO_MIGRATION_URL", settings.migration_url)
    # Here, because this runs in a process of its own: the server's parent must not import them.
    from flask_migrate import upgrade

    from oneo.app import create_app
    from oneo.operations import demo, readiness, sessions

    owner = create_app(settings, as_owner=True)
    with owner.app_context():
        first_time = readiness.is_empty()
        if embedded:
            upgrade()
            sessions.prune_sessions()
        else:
            readiness.check_migrated()
        if settings.demo or (embedded and first_time):
            demo.create_demo()
        login = demo.working_login()
    create_app(settings)
    return login


def _check_reachable(name: str, url: str) -> None:
    """Says what the driver says: behind the pool it would be a plain "unavailable"."""
    if not url:
        return
    try:
        psycopg2.connect(driver_url(url), connect_timeout=5).close()
    except psycopg2.ProgrammingError:
        # The driver quotes the address, with the password in it.
        raise ConfigurationError(f"{name} is no address of PostgreSQL: postgresql://user@host/database") from None
    except psycopg2.Error as error:
        reason = str(error).strip().partition("\n")[0]
        raise Refused(f"the database of {name} cannot be reached: {reason}") from None
