"""What the server tells the person who starts it. Standard output is left to the log, whose readers are machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

from oneo import __version__
from oneo.config import Settings
from oneo.server.prepare import Login


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - this is the place for it


def serving(settings: Settings, url: str, login: Login | None) -> str:
    rows = {
        "REST": f"{url}/api/v1/",
        "GraphQL": f"{url}/graphql",
        "Docs": f"{url}/docs",
        "Database": _database(settings),
        "Processes": str(settings.workers),
        "Login": _login(login),
    }
    told = "".join(f"  {name:<11}{value}\n" for name, value in rows.items())
    notes = "".join(f"\n  Note: {note}.\n" for note in _notes(settings, login))
    return f"\nOneo {__version__} serves at {url}\n\n{told}{notes}\nTry:\n  {_request(settings, url, login)}\n"


def _database(settings: Settings) -> str:
    if settings.embedded:
        folder = settings.data_dir.resolve() / "postgres"
        return f"embedded PostgreSQL in {folder}; it outlives a kill -9 of the server, and the next start finds it"
    parts = urlsplit(settings.database_url)
    return f"external PostgreSQL, {parts.path.lstrip('/') or 'default database'} at {parts.hostname or 'local socket'}"


def _login(login: Login | None) -> str:
    if login is None:
        return "none shipped; `python -m oneo tenant create` makes a tenant with its administrator"
    return "{email} of tenant {tenant}, password {password} (demo)".format(**login)


def _notes(settings: Settings, login: Login | None) -> Iterator[str]:
    if login is not None and settings.host not in {"127.0.0.1", "::1", "localhost"}:
        yield "whoever reaches this address can log in with the demo password"
    if settings.workers > 1 and settings.rate_limits and not settings.redis_url:
        yield "without REDIS_URL the rate limits are per process, each process counts its own"


def _request(settings: Settings, url: str, login: Login | None) -> str:
    """One line for a shell that works as it stands."""
    if login is None:
        return f"curl -s {url}/readyz"
    host = f" -H 'Host: {login['tenant']}.{settings.base_domain}'" if settings.base_domain else ""
    return f"curl -s {url}/api/v1/auth/login/{host} -H 'Content-Type: application/json' -d '{json.dumps(login)}'"
