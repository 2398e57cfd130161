"""Statements that a connection keeps planned: planning a small one takes PostgreSQL longer than carrying it out."""

from __future__ import annotations

import logging
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg2
import psycopg2.extensions

AFTER = 2
"""So many times a statement is sent as it is before it is worth keeping."""
MOST = 64
"""Of one connection: each takes some memory of the database's process behind it."""
_WATCHED = 1_000
_PLACEHOLDER = re.compile(r"%(?:\((\w+)\)s|s|%)")
_log = logging.getLogger("oneo.store")

Parameters = Sequence[object] | Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Kept:
    """A planned statement, and in which order it takes its values; without names as they stand."""

    name: str
    names: tuple[str, ...]

    def call(self, parameters: Parameters) -> tuple[str, Sequence[object]]:
        """(SQL text, values)"""
        found = [parameters[name] for name in self.names] if isinstance(parameters, Mapping) else parameters
        values = [_array(value) if isinstance(value, list) else value for value in found]
        places = f" ({', '.join(['%s'] * len(values))})" if values else ""
        return f"EXECUTE {self.name}{places}", values


class KeptStatements:
    """Those of one connection; the least recently used go first. `off` keeps none: behind a pooler that gives each
    transaction another connection there is nothing to keep them in.
    """

    def __init__(self, *, off: bool = False) -> None:
        self._off = off
        self._made = 0
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._uses: OrderedDict[str, int] = OrderedDict()

    def find(self, connection: psycopg2.extensions.connection, text: str) -> Kept | None:
        """The statement, planned just now if it has been asked for often enough; None while it is to be sent as it is.

        Outside of transactions only: a statement that cannot be planned would break one.
        """
        found = self._kept.get(text)
        if found is not None:
            self._kept.move_to_end(text)
            return found
        if self._off or not self._is_worth_it(text):
            return None
        return self._keep(connection, text)

    def forget(self, text: str) -> None:
        """It cannot be used any more, because what it reads has changed its shape."""
        self._kept.pop(text, None)

    def _is_worth_it(self, text: str) -> bool:
        uses = self._uses[text] = self._uses.pop(text, 0) + 1
        if len(self._uses) > _WATCHED:
            self._uses.popitem(last=False)
        return uses > AFTER

    def _keep(self, connection: psycopg2.extensions.connection, text: str) -> Kept | None:
        self._made += 1
        sql, names = _numbered(text)
        kept = Kept(f"kept_{self._made}", names)
        leaving = f"DEALLOCATE {self._kept.popitem(last=False)[1].name}; " if len(self._kept) >= MOST else ""
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"{leaving}PREPARE {kept.name} AS {sql}")
        except (psycopg2.ProgrammingError, psycopg2.NotSupportedError) as error:
            _log.warning("a statement cannot be kept: %s", error)
            self._uses[text] = -_WATCHED
            return None
        self._kept[text] = kept
        return kept


def _array(items: list[Any]) -> str:
    """A list as a text that becomes an array of whatever the statement expects: the driver would make it one of texts,
    which is taken for nothing else.
    """
    quoted = ('"' + str(item).replace("\\", "\\\\").replace('"', '\\"') + '"' for item in items)
    return "{" + ",".join("NULL" if item is None else text for item, text in zip(items, quoted, strict=True)) + "}"


def _numbered(text: str) -> tuple[str, tuple[str, ...]]:
    """The driver's placeholders as PostgreSQL's own, and their names in that order."""
    names: dict[str, int] = {}
    count = 0

    def number(found: re.Match[str]) -> str:
        nonlocal count
        if found[0] == "%%":
            return "%"
        if found[1] is None:
            count += 1
            return f"${count}"
        return f"${names.setdefault(found[1], len(names) + 1)}"

    return _PLACEHOLDER.sub(number, text), tuple(names)
