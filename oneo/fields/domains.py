"""Names of hosts."""

from __future__ import annotations

from functools import lru_cache

import idna

MAX_LENGTH = 253


def ascii_domain(name: str) -> str:
    """The domain as the network knows it, by IDNA 2008: `ß` is a letter of its own. Raises ValueError."""
    return name if name.isascii() else _encoded(name)


@lru_cache(maxsize=4096)
def _encoded(name: str) -> str:
    """Kept, because encoding one long domain takes milliseconds. Raises ValueError."""
    if len(name) > MAX_LENGTH:
        raise ValueError("A domain name has at most 253 characters.")
    mapped = idna.uts46_remap(name, std3_rules=False, transitional=False)
    return ".".join(label if label.isascii() else idna.alabel(label).decode() for label in mapped.split("."))
