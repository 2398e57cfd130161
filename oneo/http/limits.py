"""Rate limits per user, tenant and address; each answer says what is left. Without its store the limiter falls back."""

from __future__ import annotations

import ipaddress
import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from flask import current_app, g
from flask_limiter import Limiter
from limits import RateLimitItem, parse
from limits.storage import Storage

from oneo.config import Settings, environment_name
from oneo.errors import ConfigurationError, RateLimited
from oneo.http.counters import LocalStorage

T = TypeVar("T")
RETRY_STORE_SECONDS = 5.0
STORE_OPTIONS = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
"""Of a shared store: one that hangs must not hang every request."""
_log = logging.getLogger("oneo.limits")


@dataclass(frozen=True, slots=True)
class Standing:
    """How one limit stands after this request."""

    name: str
    quota: int
    window: int
    remaining: int
    reset_at: float

    @property
    def wait(self) -> int:
        return max(1, math.ceil(self.reset_at - time.time()))


class Limits:
    """The limiter with a memory of its own for when the shared store is gone: limits loosen, nothing fails."""

    def __init__(self, limiter: Limiter, settings: Settings) -> None:
        self._limiter = limiter
        self._fallback = LocalStorage()
        self._shared_gone_until = 0.0
        self.enabled = settings.rate_limits
        self.user = _limit(settings, "rate_limit_user")
        self.tenant = _limit(settings, "rate_limit_tenant")
        self.peer = _limit(settings, "rate_limit_peer")
        self.login = _limit(settings, "rate_limit_login")

    def hit(self, name: str, item: RateLimitItem, key: str) -> Standing:
        """Counts one request. Raises RateLimited when it is one too many."""
        standing = self._on_storage(lambda storage: self._count(storage, name, item, key))
        if standing.remaining < 0:
            raise exceeded(standing)
        return standing

    def give_back(self, name: str, item: RateLimitItem, key: str) -> None:
        """Take back one request that `hit` counted."""
        self._on_storage(lambda storage: self._uncount(storage, item.key_for(name, key), item.get_expiry()))

    def forget(self, name: str, item: RateLimitItem, key: str) -> None:
        self._on_storage(lambda storage: storage.clear(item.key_for(name, key)))

    def _count(self, storage: Storage, name: str, item: RateLimitItem, key: str) -> Standing:
        place = item.key_for(name, key)
        window = item.get_expiry()
        used = storage.incr(place, window)
        return Standing(name, item.amount, window, item.amount - used, storage.get_expiry(place))

    def _uncount(self, storage: Storage, place: str, window: int) -> None:
        # A window that has ended meanwhile has nothing to give back.
        if storage.get(place) > 0:
            storage.incr(place, window, -1)

    def _on_storage(self, work: Callable[[Storage], T]) -> T:
        now = time.monotonic()
        if now >= self._shared_gone_until:
            if self._shared_gone_until:  # it was gone: one request finds out whether it is back, the others go on
                self._shared_gone_until = now + RETRY_STORE_SECONDS
            try:
                found = work(self._limiter.storage)
                self._shared_gone_until = 0.0
                return found
            except Exception as error:  # noqa: BLE001 - any failure of the shared store means: count here instead
                self._shared_gone_until = time.monotonic() + RETRY_STORE_SECONDS
                _log.warning("the rate limit store is gone, counting in memory: %s", type(error).__name__)
        return work(self._fallback)


def _limit(settings: Settings, name: str) -> RateLimitItem:
    """Raises ConfigurationError."""
    text: str = getattr(settings, name)
    try:
        return parse(text)
    except ValueError:
        example = "write it as `600 per minute`"
        raise ConfigurationError(f"{environment_name(name)}: {text!r} is not understood; {example}.") from None


def limits() -> Limits:
    found: Limits = current_app.extensions["oneo.limits"]
    return found


def check_caller(tenant_id: UUID, user_id: UUID) -> None:
    """Raises RateLimited."""
    found = limits()
    if found.enabled:
        # The user first: what is refused him must not use up what his tenant has.
        user = found.hit("user", found.user, f"{tenant_id.hex}{user_id.hex}")
        tenant = found.hit("tenant", found.tenant, tenant_id.hex)
        g.standings = (user, tenant)


def give_back_caller(tenant_id: UUID, user_id: UUID) -> None:
    """Take back what `check_caller` counted: the credential turned out not to be this user's any more."""
    found = limits()
    if found.enabled:
        found.give_back("user", found.user, f"{tenant_id.hex}{user_id.hex}")
        found.give_back("tenant", found.tenant, tenant_id.hex)


@contextmanager
def unproven_credential() -> Iterator[None]:
    """Count the address for a credential that the database has yet to confirm, and give it back when it is genuine.

    Raises RateLimited before the block asks the database anything.
    """
    found = limits()
    if not found.enabled:
        yield
        return
    limit = ("credential", found.peer, neighbourhood(g.peer))
    found.hit(*limit)
    yield
    found.give_back(*limit)


def check_peer() -> None:
    """For requests without a login. Raises RateLimited."""
    found = limits()
    if found.enabled:
        g.standings = (found.hit("peer", found.peer, neighbourhood(g.peer)),)


def neighbourhood(peer: str) -> str:
    """The address as it is counted: an IPv6 client owns a network of 2^64 addresses, so all of them count as one."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return peer
    return peer if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))


def network_of_caller() -> str:
    """The network that the limits without a login count by: an IPv4 address, or the /64 of an IPv6 address."""
    return neighbourhood(g.peer)


def exceeded(standing: Standing) -> RateLimited:
    g.standings = (standing,)
    return RateLimited(
        f"The limit {standing.name!r} of {standing.quota} requests in {standing.window} s is used up.",
        headers={"Retry-After": str(standing.wait)},
        extra={"violated_policies": [standing.name]},
    )


def header_lines() -> list[tuple[str, str]]:
    """The standard draft's fields for each limit, and the limiter's own for the one nearest to its end."""
    standings: tuple[Standing, ...] = g.get("standings", ())
    if not standings:
        return []
    tightest = min(standings, key=lambda s: s.remaining / s.quota if s.quota else 0)
    return [
        ("RateLimit-Policy", ", ".join([f'"{s.name}";q={s.quota};w={s.window}' for s in standings])),
        ("RateLimit", ", ".join([f'"{s.name}";r={max(0, s.remaining)};t={s.wait}' for s in standings])),
        ("X-RateLimit-Limit", str(tightest.quota)),
        ("X-RateLimit-Remaining", str(max(0, tightest.remaining))),
        ("X-RateLimit-Reset", str(math.ceil(tightest.reset_at))),
    ]
