"""Limits on guessing a password, per address and account.

Each attempt is counted before the password is looked at, so that attempts sent at the same moment cannot pass together,
and is given back unless the password turns out to be wrong. Three limits apply:

- `login-peer`: attempts of one address at all accounts.
- `login`: attempts of one address at one account.
- `login-account`: attempts at one account from everywhere. Beyond it the account is slowed down, not locked: one
  attempt every few seconds is let through (`login-slow`), and a device that has logged in before is not slowed down.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from flask import g
from limits import RateLimitItem, RateLimitItemPerSecond

from oneo.errors import CredentialsInvalid, RateLimited
from oneo.http.limits import Limits, limits, neighbourhood

WIDE_FACTOR = 5
SLOW_LANE = RateLimitItemPerSecond(1, 5)


@contextmanager
def login_attempt(tenant: UUID | str | None, email: str, *, is_known_device: Callable[[], bool]) -> Iterator[None]:
    """Count one attempt at an account. Raises RateLimited.

    `tenant` is the id, or the name that the client gave where there is no such tenant. `is_known_device` says whether
    somebody has logged in to this account from this address before; it is asked when the account is slowed down.
    """
    account = _key("account", type(tenant).__name__, str(tenant), email)
    with _Attempt(limits(), account, is_known_device).counted():
        yield


@contextmanager
def password_confirmation(tenant_id: UUID, user_id: UUID) -> Iterator[None]:
    """Count one attempt of a logged-in user to confirm the present password. Raises RateLimited.

    The session shows that the device is known; only the limits of its address apply.
    """
    account = _key("confirmation", str(tenant_id), str(user_id))
    with _Attempt(limits(), account, lambda: True).counted():
        yield


class _Attempt:
    def __init__(self, found: Limits, account: str, is_known_device: Callable[[], bool]) -> None:
        self._limits = found
        self._wide = found.login.__class__(
            found.login.amount * WIDE_FACTOR, found.login.multiples, namespace=found.login.namespace
        )
        self._is_known_device = is_known_device
        peer = neighbourhood(g.peer)
        self._peer = ("login-peer", self._wide, peer)
        self._pair = ("login", found.login, _key(peer, account))
        self._account = ("login-account", self._wide, account)
        self._slow = ("login-slow", SLOW_LANE, account)
        self._counted: list[tuple[str, RateLimitItem, str]] = []

    @contextmanager
    def counted(self) -> Iterator[None]:
        if not self._limits.enabled:
            yield
            return
        try:
            self._enter()
            yield
        except CredentialsInvalid:
            raise
        except BaseException:
            self._give_back()
            raise
        self._give_back()
        self._limits.forget(*self._pair)

    def _enter(self) -> None:
        for limit in (self._peer, self._pair):
            self._hit(limit)
        try:
            self._hit(self._account)
        except RateLimited:
            if not self._is_known_device():
                self._hit(self._slow)

    def _hit(self, limit: tuple[str, RateLimitItem, str]) -> None:
        self._limits.hit(*limit)
        self._counted.append(limit)

    def _give_back(self) -> None:
        for limit in self._counted:
            self._limits.give_back(*limit)


def _key(*parts: str) -> str:
    """One key for several parts, some of which a client chose: no choice makes it the key of other parts."""
    return hashlib.sha256("\0".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()
