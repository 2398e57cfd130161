"""Records at the ends of relationships: all that an answer needs in one statement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from oneo.actor import Actor
from oneo.errors import RecordNotFound
from oneo.graphql.exact import named, read_exactly
from oneo.operations import ends


@dataclass(slots=True)
class Ends:
    """What a root field has found out that its answer will need, and what was loaded of it."""

    keys: set[str] = field(default_factory=set)
    wanted: set[str] = field(default_factory=set)
    found: dict[str, Any] = field(default_factory=dict)

    def want(self, record_ids: Iterable[str], keys: Iterable[str]) -> None:
        """`keys` are those of a record that are asked for; of its id alone nothing has to be loaded."""
        more = set(keys) - {"id"}
        if not more <= self.keys:
            self.keys |= more
            self.wanted |= self.found.keys()
            self.found = {}
        self.wanted |= set(record_ids) - self.found.keys()

    def know(self, records: Iterable[dict[str, Any]], keys: Iterable[str]) -> None:
        """All that the answer needs, loaded with these keys by the root field itself."""
        self.keys = set(keys) - {"id"}
        self.found, self.wanted = {record["id"]: record for record in records}, set()

    def get(self, actor: Actor, record_id: str) -> dict[str, Any]:
        """Raises RecordNotFound when it has gone out of the caller's sight meanwhile."""
        if not self.keys:
            return {"id": record_id}
        if record_id in self.wanted:
            text = ends.load_records(actor, map(UUID, self.wanted), fields=named(self.keys))
            self.found |= {record["id"]: record for record in read_exactly(text)}
            self.wanted = set()
        if record_id not in self.found:
            raise RecordNotFound
        found: dict[str, Any] = self.found[record_id]
        return found
