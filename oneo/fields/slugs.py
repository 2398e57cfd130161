"""Slugs: the names by which programs call things."""

from __future__ import annotations

import re
import unicodedata

from oneo.ids import as_id

MAX_LENGTH = 48
RULE = (
    "A slug begins with a letter and has lower-case letters, digits and single underscores, "
    f"{MAX_LENGTH} characters at most."
)
ROUTE_WORDS = frozenset(
    {
        "analytics", "bulk_create", "bulk_delete", "bulk_update", "bulk_upsert", "clone", "constraints", "deleted",
        "export", "fields", "records", "restore", "schema", "search", "templates",
    }
)  # fmt: skip
"""Words of addresses, which nothing that is addressed by its slug is called."""
_SPELLED = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "\u0131": "i"}
)
"""Latin letters that are no letter with a mark."""
PATTERN = "^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
_SLUG = re.compile(PATTERN, re.ASCII)


def is_slug(text: str) -> bool:
    return len(text) <= MAX_LENGTH and _SLUG.fullmatch(text) is not None and as_id(text) is None


def slug_from(name: str) -> str:
    """A slug made from a name, Latin letters without their marks; empty when nothing of it can stand in one."""
    spelled = unicodedata.normalize("NFKD", name.lower().translate(_SPELLED))
    bare = "".join(letter for letter in spelled if not unicodedata.combining(letter))
    text = "_".join(re.findall(r"[a-z0-9]+", bare)).lstrip("0123456789_")
    return text[:MAX_LENGTH].strip("_")
