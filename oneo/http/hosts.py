"""Which hosts are served, and which tenant a host leads to."""

from __future__ import annotations

import re
import time
from uuid import UUID

from flask import current_app

from oneo.config import Settings
from oneo.errors import HostNotServed
from oneo.store import identity as store

REMEMBERED_SECONDS = 15.0
_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?(:\d{1,5})?", re.ASCII)


class Hosts:
    """Host names and their tenants, remembered briefly; whether the tenant may act is for the gate."""

    def __init__(self, settings: Settings) -> None:
        self.base = settings.base_domain.lower().rstrip(".")
        self._known: dict[str, tuple[float, UUID | None]] = {}

    def tenant_of(self, host: str) -> UUID | None:
        """None for the base domain, and for any host while none is set. Raises HostNotServed."""
        if not self.base:
            return None
        name = host.lower()
        if not _HOST.fullmatch(name):
            raise HostNotServed
        name = name.partition(":")[0]
        if name == self.base:
            return None
        tenant_id = self._remembered(name)
        if tenant_id is None:
            raise HostNotServed
        return tenant_id

    def _remembered(self, name: str) -> UUID | None:
        now = time.monotonic()
        known = self._known.get(name)
        if known is None or known[0] < now:
            if len(self._known) > 10_000:
                self._known.clear()
            known = self._known[name] = (now + REMEMBERED_SECONDS, self._look_up(name))
        return known[1]

    def _look_up(self, name: str) -> UUID | None:
        suffix = "." + self.base
        slug = name.removesuffix(suffix)
        found = store.tenant_by_slug(slug) if slug != name else store.tenant_by_host(name)
        return found[0] if found else None


def hosts() -> Hosts:
    found: Hosts = current_app.extensions["oneo.hosts"]
    return found
