"""Words that somebody types, as a full-text query: whatever they are, it asks something and is never a syntax error."""

from __future__ import annotations

from collections.abc import Iterable
from string import digits

from oneo.filters import tenant_indexes
from oneo.filters.sql import FALSE, Sql, all_of

MAX_WORDS = 20
_WORD = "(lower(%s)::tsquery || to_tsquery('simple'::regconfig, %s))"


def words_of(text: str) -> tuple[str, ...]:
    """Its parts between white space and slashes that have a letter or a digit, each once."""
    return tuple(dict.fromkeys(part for part in text.replace("/", " ").split() if any(sign.isalnum() for sign in part)))


def words_query(words: Iterable[str]) -> Sql:
    """A tsquery that asks for all the words, each by its beginning.

    A word is asked for as it stands, as the beginning of an address or a number with signs in it, or in the parts that
    PostgreSQL takes it to pieces in. Both are constants to the planner, which so knows how many rows to expect.
    """
    values: list[object] = [text for word in words for text in (_as_it_stands(word), _quoted(word))]
    return Sql(f"({' && '.join([_WORD] * (len(values) // 2))})", values)


def _as_it_stands(word: str) -> str:
    """A number is kept with the sign before it, which may be a hyphen: `INV-1200` has the words `inv` and `-1200`."""
    signs = ("", "-", "+") if word[0] in digits else ("",)
    return " | ".join(_quoted(sign + word) for sign in signs)


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "':*"


def compile_words(text: str, vectors: tuple[str, ...], row: str) -> Sql:
    """Every one of the vectors of a record has all the words. A text without any word is found nowhere."""
    words = words_of(text)
    if not words:
        return FALSE
    query = words_query(words)
    found = [Sql(f"({vector} @@ {query.text})", query.values) for vector in vectors]
    return all_of([*found, tenant_indexes.matches(row, query)])
