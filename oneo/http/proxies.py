"""What proxies say of a request, and which of them are believed."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from flask import Request, current_app

from oneo.config import Settings

_WITH_PORT = re.compile(r'"?(?:\[([0-9A-Fa-f:.]+)\]|(\d+\.\d+\.\d+\.\d+))(?::\d{1,5})?"?')


class Proxies:
    """The networks whose X-Forwarded-* headers count.

    A proxy appends to such a header or writes it anew: its own word is the last one, and what stands before that may be
    the caller's invention, unless the last one is the address of another proxy of ours.
    """

    def __init__(self, settings: Settings) -> None:
        self._networks = tuple(ipaddress.ip_network(network) for network in settings.trusted_proxies)

    def trusts(self, peer: str | None) -> bool:
        address = _address(peer) if self._networks and peer else None
        return address is not None and any(address in network for network in self._networks)

    def client_of(self, request: Request) -> str:
        """The real peer, without a port: the last address in X-Forwarded-For that is not one of our proxies."""
        peer = request.remote_addr or "unknown"
        if not self.trusts(peer):
            return _plain(peer)
        hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
        for hop in reversed(hops):
            if hop and not self.trusts(hop):
                return _plain(hop)
        return _plain(peer)

    def host_of(self, request: Request) -> str:
        return self._said(request, "X-Forwarded-Host") or request.headers.get("Host", "")

    def origin_of(self, request: Request) -> str:
        """Scheme and host as the caller sees them."""
        said = self._said(request, "X-Forwarded-Proto").lower()
        return f"{said if said in {'http', 'https'} else request.scheme}://{self.host_of(request)}"

    def _said(self, request: Request, header: str) -> str:
        """By the proxy that we talk to; nothing when it is none of ours."""
        if not self.trusts(request.remote_addr):
            return ""
        return request.headers.get(header, "").rpartition(",")[2].strip()


def proxies() -> Proxies:
    found: Proxies = current_app.extensions["oneo.proxies"]
    return found


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Some proxies write a port behind it, another one for each connection; dual sockets write IPv4 as IPv6."""
    spelt = _WITH_PORT.fullmatch(text)
    try:
        address = ipaddress.ip_address(spelt[1] or spelt[2] if spelt else text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


@lru_cache(maxsize=4096)
def _plain(peer: str) -> str:
    return str(_address(peer) or peer)[:64]
