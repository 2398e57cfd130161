"""Names of hosts."""

from __future__ import annotations

import idna


def ascii_domain(name: str) -> str:
    """As the network knows it, by IDNA 2008: `ß` is a letter of its own. Raises ValueError."""
    if name.isascii():
        return name
    mapped = idna.uts46_remap(name, std3_rules=False, transitional=False)
    return ".".join(label if label.isascii() else idna.alabel(label).decode() for label in mapped.split("."))
