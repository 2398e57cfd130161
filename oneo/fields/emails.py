"""E-mail addresses."""

from __future__ import annotations

import re
import unicodedata

from oneo.fields.domains import ascii_domain

MAX_LENGTH = 254
MAX_LOCAL_LENGTH = 64
_ADDRESS = re.compile(
    r"[^\s@\"<>(),:;\\\[\].\x00-\x1f\x7f]+(?:\.[^\s@\"<>(),:;\\\[\].\x00-\x1f\x7f]+)*"
    r"@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])"
)


def normal_email(text: str) -> str:
    """The address as it is stored: Unicode form NFKC, lower case, the domain in ASCII. Raises ValueError.

    NFKC makes one address of those that look alike because their characters are composed differently or are wide,
    narrow or styled forms of the same letters.
    """
    if len(text) > 2 * MAX_LENGTH:
        raise ValueError("This is not an e-mail address.")
    # Lower case can undo the form, for example of a capital letter that has only a composed small one.
    same = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).strip().lower())
    local, _, domain = same.rpartition("@")
    try:
        domain = ascii_domain(domain)
    except ValueError:
        domain = ""
    email = f"{local}@{domain}"
    if len(email) > MAX_LENGTH or len(local) > MAX_LOCAL_LENGTH or not _ADDRESS.fullmatch(email):
        raise ValueError("This is not an e-mail address.")
    return email
