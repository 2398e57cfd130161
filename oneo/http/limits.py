"""Rate limits per user, tenant and address; each answer says what is left. Without its store the limiter falls back."""

from __future__ import annotations

import logging
import math
import time
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from flask import Response, current_app, g
from flask_limiter import Limiter
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter, RateLimiter

from oneo.config import Settings
from oneo.errors import RateLimited

RETRY_STORE_SECONDS = 5.0
_PEER_LOGIN_FACTOR = 5
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
        self._fallback = FixedWindowRateLimiter(MemoryStorage())
        self._shared_gone_until = 0.0
        self.enabled = settings.rate_limits
        self.user = parse(settings.rate_limit_user)
        self.tenant = parse(settings.rate_limit_tenant)
        self.peer = parse(settings.rate_limit_peer)
        self.login = parse(settings.rate_limit_login)
        self.login_peer = parse(f"{self.login.amount * _PEER_LOGIN_FACTOR} per {self.login.get_expiry()} second")

    def hit(self, name: str, item: RateLimitItem, key: str) -> Standing:
        """Counts one request. Raises RateLimited when it is one too many."""

        def count(strategy: RateLimiter) -> tuple[bool, Standing]:
            allowed = strategy.hit(item, name, key)
            return allowed, self._standing(strategy, name, item, key)

        try:
            allowed, standing = count(self._strategy())
        except Exception as error:  # noqa: BLE001 - any failure of the shared store means: count here instead
            allowed, standing = count(self._without_store(error))
        if not allowed:
            raise exceeded(standing)
        return standing

    def check(self, name: str, item: RateLimitItem, key: str) -> None:
        """Raises RateLimited when the limit is used up; counts nothing."""
        try:
            strategy = self._strategy()
            open_ = strategy.test(item, name, key)
        except Exception as error:  # noqa: BLE001 - as above
            strategy = self._without_store(error)
            open_ = strategy.test(item, name, key)
        if not open_:
            raise exceeded(self._standing(strategy, name, item, key))

    def forget(self, name: str, item: RateLimitItem, key: str) -> None:
        try:
            self._strategy().clear(item, name, key)
        except Exception as error:  # noqa: BLE001 - as above
            self._without_store(error).clear(item, name, key)

    def _standing(self, strategy: RateLimiter, name: str, item: RateLimitItem, key: str) -> Standing:
        stats = strategy.get_window_stats(item, name, key)
        return Standing(name, item.amount, item.get_expiry(), max(0, stats.remaining), stats.reset_time)

    def _strategy(self) -> RateLimiter:
        return self._fallback if time.monotonic() < self._shared_gone_until else self._limiter.limiter

    def _without_store(self, error: Exception) -> RateLimiter:
        self._shared_gone_until = time.monotonic() + RETRY_STORE_SECONDS
        _log.warning("the rate limit store is gone, counting in memory: %s", type(error).__name__)
        return self._fallback


def limits() -> Limits:
    found: Limits = current_app.extensions["oneo.limits"]
    return found


def check_caller(tenant_id: UUID, user_id: UUID) -> None:
    """Raises RateLimited."""
    found = limits()
    if found.enabled:
        tenant = found.hit("tenant", found.tenant, tenant_id.hex)
        user = found.hit("user", found.user, f"{tenant_id.hex}{user_id.hex}")
        g.standings = (user, tenant)


def check_peer() -> None:
    """For requests without a login. Raises RateLimited."""
    found = limits()
    if found.enabled:
        g.standings = (found.hit("peer", found.peer, g.peer),)


class LoginThrottle:
    """Guards one login attempt: by account whoever asks, and by address whatever account it tries."""

    def __init__(self, tenant: str, email: str) -> None:
        self._limits = limits()
        self._account = f"{tenant}:{email}"

    def enter(self) -> None:
        """Raises RateLimited."""
        if self._limits.enabled:
            self._limits.check("login-peer", self._limits.login_peer, g.peer)
            self._limits.hit("login", self._limits.login, self._account)

    def failed(self) -> None:
        if self._limits.enabled:
            with suppress(RateLimited):
                self._limits.hit("login-peer", self._limits.login_peer, g.peer)

    def succeeded(self) -> None:
        if self._limits.enabled:
            self._limits.forget("login", self._limits.login, self._account)


def exceeded(standing: Standing) -> RateLimited:
    g.standings = (standing,)
    return RateLimited(
        f"The limit {standing.name!r} of {standing.quota} requests in {standing.window} s is used up.",
        headers={"Retry-After": str(standing.wait)},
        extra={"violated_policies": [standing.name]},
    )


def write_headers(response: Response) -> None:
    """The standard draft's fields for each limit, and the limiter's own for the one nearest to its end."""
    standings: tuple[Standing, ...] = g.get("standings", ())
    if not standings:
        return
    headers = response.headers
    headers["RateLimit-Policy"] = ", ".join(f'"{s.name}";q={s.quota};w={s.window}' for s in standings)
    headers["RateLimit"] = ", ".join(f'"{s.name}";r={s.remaining};t={s.wait}' for s in standings)
    tightest = min(standings, key=lambda s: s.remaining / s.quota if s.quota else 0)
    headers["X-RateLimit-Limit"] = str(tightest.quota)
    headers["X-RateLimit-Remaining"] = str(tightest.remaining)
    headers["X-RateLimit-Reset"] = str(math.ceil(tightest.reset_at))
