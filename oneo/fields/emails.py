"""E-mail addresses."""

from __future__ import annotations

import re

from oneo.fields.domains import ascii_domain

MAX_LENGTH = 254
_ADDRESS = re.compile(
    r"[^\s@\"<>(),:;\\\[\]\x00-\x1f\x7f]{1,64}@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])"
)


def normal_email(text: str) -> str:
    """The address as it is kept: lower case, the domain in ASCII. Raises ValueError."""
    local, _, domain = text.strip().lower().rpartition("@")
    if len(domain) > MAX_LENGTH:
        domain = ""
    try:
        domain = ascii_domain(domain)
    except ValueError:
        domain = ""
    email = f"{local}@{domain}"
    if len(email) > MAX_LENGTH or not _ADDRESS.fullmatch(email):
        raise ValueError("This is not an e-mail address.")
    return email
