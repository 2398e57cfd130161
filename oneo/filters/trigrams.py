"""Substrings by trigrams: what their index holds of a record, and the condition that lets it serve `contains`."""

from __future__ import annotations

import re

from oneo import exact_json
from oneo.filters.sql import TRUE, Sql, like
from oneo.filters.tenant_indexes import is_own

_WORD = re.compile(r"[^\W_]{3}")


def texts_of(data: str) -> str:
    """All texts of a record as one JSON array; slugs, numbers and what lies deeper is not among them."""
    return f"""(jsonb_path_query_array({data}, '$.* ? (@.type() == "string")')::text)"""


def as_in_json(text: str) -> str:
    """As it stands inside a JSON text that PostgreSQL writes."""
    return exact_json.dumps(text)[1:-1]


def narrowing(text: str, row: str) -> Sql:
    """True of every record that has the text in one of its texts, and of few others. TRUE where the index would not
    know it: without three letters or digits in a row there is no trigram to look for.
    """
    if not _WORD.search(text):
        return TRUE
    return Sql(f"({texts_of(f'{row}.data')} ILIKE %s AND {is_own(row)})", [like(as_in_json(text))])
