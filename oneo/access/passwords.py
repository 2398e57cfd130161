"""Passwords: argon2id, long rather than complicated, and none that everybody tries first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app

from oneo.errors import FaultList

MAX_LENGTH = 1024
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_NOBODY = _hasher.hash("a password that no user has, so that unknown users cost the same time")
_COMMON = (
    "password", "passphrase", "qwertyuiop", "asdfghjkl", "zxcvbnm", "letmein", "iloveyou", "admin", "administrator",
    "welcome", "monkey", "dragon", "football", "baseball", "sunshine", "princess", "superman", "batman", "master",
    "changeme", "secret", "trustno", "1234567890", "0987654321", "123456789", "abcdefghijklmnopqrstuvwxyz", "abc",
)  # fmt: skip


def hash_password(password: str) -> str:
    hashed: str = _in_thread(_hasher.hash, password)
    return hashed


def verify_password(stored: str | None, password: str) -> bool:
    """Takes the same time whether there is a user or not."""
    try:
        verified: bool = _in_thread(_hasher.verify, stored or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return verified and bool(stored)


def renewed_hash(stored: str | None, password: str) -> str | None:
    """A hash of a password that was verified just now, when the stored one was made with other parameters."""
    return hash_password(password) if stored and _hasher.check_needs_rehash(stored) else None


def check_password(faults: FaultList, password: str, *, where: str, minimum: int, context: tuple[str, ...]) -> None:
    """Length, and not a well-known or personal word repeated. No rules about kinds of characters."""
    if len(password) < minimum:
        faults.add(where, "PASSWORD_TOO_SHORT", f"A password has {minimum} characters or more.")
    elif len(password) > MAX_LENGTH:
        faults.add(where, "PASSWORD_TOO_LONG", f"A password has {MAX_LENGTH} characters at most.")
    elif _is_common(password.lower(), context):
        faults.add(where, "PASSWORD_TOO_COMMON", "This password is one of those that are tried first.")


def _is_common(password: str, context: tuple[str, ...]) -> bool:
    rest = password
    for word in sorted((*_COMMON, *(part.lower() for part in context if len(part) > 3)), key=len, reverse=True):
        rest = rest.replace(word, "")
    letters = "".join(character for character in rest if character.isalpha())
    return len(set(password)) < 5 or (len(rest) < 5 and len(letters) < 3)


def _in_thread(work: Callable[..., Any], *arguments: object) -> Any:
    """Native work of many milliseconds runs where the server says, so that it does not stop its event loop."""
    run: Callable[..., Any] | None = current_app.extensions.get("oneo.run_native")
    return run(work, *arguments) if run else work(*arguments)
