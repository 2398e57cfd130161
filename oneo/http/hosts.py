"""Which hosts are served, and which tenant a host leads to."""

from __future__ import annotations

import ipaddress
import re
import time
from uuid import UUID

from flask import current_app

from oneo.config import Settings
from oneo.errors import HostNotServed, MalformedRequest
from oneo.store import identity as store

REMEMBERED_SECONDS = 15.0
MAX_PORT = 65_535
_HOST = re.compile(r"(?:(?P<name>[a-z0-9_.-]{1,253})|\[(?P<ipv6>[0-9a-f:.]{2,45})\])(?::(?P<port>[0-9]{1,5}))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")


class Hosts:
    """Host names and their tenants, remembered briefly; whether the tenant may act is for the gate."""

    def __init__(self, settings: Settings) -> None:
        self.base = settings.base_domain.lower().rstrip(".")
        self._known: dict[str, tuple[float, UUID | None]] = {}

    def tenant_of(self, host: str) -> UUID | None:
        """Return None for the base domain, and for any well-formed host while no base domain is set.

        Raises HostNotServed; MalformedRequest for what is no host, while any would be served.
        """
        name = _name_of(host)
        if not self.base:
            # A client of HTTP/1.0 may leave the host out.
            if name is None and host:
                raise MalformedRequest("The Host header is not a valid host name with an optional port.")
            return None
        if name is None:
            raise HostNotServed
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


def _name_of(host: str) -> str | None:
    """Return the name or address in lower case and without the port, or None when the host is malformed."""
    parts = _HOST.fullmatch(host.lower())
    if parts is None or not 1 <= int(parts["port"] or 1) <= MAX_PORT:
        return None
    if parts["ipv6"]:
        try:
            return str(ipaddress.IPv6Address(parts["ipv6"]))
        except ValueError:
            return None
    name = parts["name"]
    return name if all(map(_LABEL.fullmatch, name.removesuffix(".").split("."))) else None


def hosts() -> Hosts:
    found: Hosts = current_app.extensions["oneo.hosts"]
    return found
