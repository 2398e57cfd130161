"""Names of hosts."""

from __future__ import annotations

from functools import lru_cache

import idna

MAX_LENGTH = 253
MAX_LABEL = 59
"""Characters of a label that is not ASCII: `xn--` stands before it, and each takes one of 63 places or more."""


def ascii_domain(name: str) -> str:
    """The domain as the network knows it, by IDNA 2008: `ß` is a letter of its own. Raises ValueError."""
    return name if name.isascii() else _encoded(name)


@lru_cache(maxsize=4096)
def _encoded(name: str) -> str:
    """Kept, because encoding one long domain takes milliseconds. Raises ValueError."""
    if len(name) > MAX_LENGTH:
        raise ValueError("A domain name has at most 253 characters.")
    mapped = idna.uts46_remap(name, std3_rules=False, transitional=False)
    return ".".join(label if label.isascii() else _encoded_label(label) for label in mapped.split("."))


def _encoded_label(label: str) -> str:
    """Raises ValueError, for a label that is too long before it is encoded: that takes time quadratic to its length."""
    if len(label) > MAX_LABEL:
        raise ValueError("A label of a domain name has at most 63 characters.")
    return idna.alabel(label).decode()
