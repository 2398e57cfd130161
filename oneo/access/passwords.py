"""Passwords: argon2id, long rather than complicated, and none that everybody tries first."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from oneo.access.common_passwords import is_common
from oneo.errors import FaultList
from oneo.native import in_thread

MAX_LENGTH = 1024
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_NOBODY = _hasher.hash("a password that no user has, so that unknown users cost the same time")


def hash_password(password: str) -> str:
    hashed: str = in_thread(_hasher.hash, password)
    return hashed


def verify_password(stored: str | None, password: str) -> bool:
    """Takes the same time whether there is a user or not."""
    try:
        verified: bool = in_thread(_hasher.verify, stored or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return verified and bool(stored)


def renewed_hash(stored: str | None, password: str) -> str | None:
    """A hash of a password that was verified just now, when the stored one was made with other parameters."""
    return hash_password(password) if stored and _hasher.check_needs_rehash(stored) else None


def check_password(faults: FaultList, password: str, *, where: str, minimum: int, context: tuple[str, ...]) -> None:
    """Length, and none that is tried first. No rules about kinds of characters."""
    if len(password) < minimum:
        faults.add(where, "PASSWORD_TOO_SHORT", f"A password has {minimum} characters or more.")
    elif len(password) > MAX_LENGTH:
        faults.add(where, "PASSWORD_TOO_LONG", f"A password has {MAX_LENGTH} characters at most.")
    elif is_common(password, context):
        faults.add(where, "PASSWORD_TOO_COMMON", "This password is one of those that are tried first.")
