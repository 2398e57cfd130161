"""One step along relationships, as SQL on the record `r`: the relationship is `x`, the record at its other end is `r`
again, one level further in, where nothing of the outer one is named.

A step is an EXISTS that PostgreSQL may turn into a join, so that it can begin with whichever side is rare. Which one
that is it takes from the statistics of the tables; `store/statistics.py` says what happens while they are missing. The
test for presence is not spelled `IS NULL`: without statistics PostgreSQL takes that for rare and reads a partial index.

The condition on the far record stands once in each way, however many pipelines and row scopes the caller has there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from oneo.filters.columns import SIGNS, Catalogue
from oneo.filters.sql import FALSE, TRUE, Sql, all_of, any_of

COUNTS = {**SIGNS, "exact": "="}
_PRESENT = "coalesce({0}.deleted_at, 'infinity') = 'infinity'"


@dataclass(frozen=True, slots=True)
class Reach:
    """Pipelines, or all of them, and which of their records `r` count."""

    pipelines: tuple[UUID, ...] | None
    scope: Sql


@dataclass(frozen=True, slots=True)
class Way:
    """From the record at one end to the one at the other; against its direction only a bidirectional one leads."""

    near: str
    far: str
    against: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Hop:
    """Relationships of one type that hold at a moment, or now; what may be asked of them and of the records beyond."""

    tenant_id: UUID
    type_id: UUID
    ways: tuple[Way, ...]
    reaches: tuple[Reach, ...]
    columns: Catalogue
    link_columns: Catalogue
    moment: str | None = None

    def any(self, far: Sql, link: Sql, *, negated: bool = False) -> Sql:
        """There is one whose record and which itself fulfil the conditions; or there is none."""
        found = [self._part("SELECT", way, at, link, self._end(way, far)) for at, way in enumerate(self.ways)]
        word, join = ("NOT EXISTS", all_of) if negated else ("EXISTS", any_of)
        return join([Sql(f"({word} ({part.text}))", part.values) for part in found])

    def compared(self, far: Sql, link: Sql, counts: Sequence[tuple[str, int]]) -> Sql:
        """How many there are; more than what makes no difference are not counted."""
        most = max(number for _, number in counts) + 1
        total = self.count(far, link, most=most)
        return all_of(Sql(f"({total.text} {COUNTS[sign]} {number:d})", total.values) for sign, number in counts)

    def count(self, far: Sql, link: Sql, *, most: int | None = None) -> Sql:
        found = [self._part("SELECT", way, at, link, self._end(way, far)) for at, way in enumerate(self.ways)]
        limit = "" if most is None else f" LIMIT {most:d}"
        parts = [f"(SELECT count(*) FROM ({part.text}{limit}) c)" for part in found]
        return Sql(f"({' + '.join(parts)})", _values(found))

    def aggregate(self, function: str, value: str, link: Sql) -> Sql:
        """Of an expression on the records beyond, all of which are of one pipeline: NULL where there are none."""
        if not self.reaches:
            return Sql("NULL::numeric")
        found = []
        for at, way in enumerate(self.ways):
            record = self._record(way, TRUE, value=f"{value} AS v")
            joined = f"SELECT f.v FROM my_relationships x CROSS JOIN LATERAL ({record.text}) f"
            part = self._part(joined, way, at, link, Sql("true"), source="")
            found.append(Sql(part.text, [*record.values, *part.values]))
        return Sql(
            f"(SELECT {function}(u.v) FROM ({' UNION ALL '.join(part.text for part in found)}) u)", _values(found)
        )

    def _part(
        self, select: str, way: Way, at: int, link: Sql, end: Sql, *, source: str = " FROM my_relationships x"
    ) -> Sql:  # fmt: skip
        """The relationships of `r` that lead this way. One that leads from a record to itself is taken once."""
        text = f"{select}{source} WHERE x.tenant_id = '{self.tenant_id}' AND x.{way.near}_id = r.id"
        text += f" AND x.type_id = '{self.type_id}' AND {_PRESENT.format('x')} AND NOT x.is_dormant"
        text += " AND x.is_bidirectional" if way.against else ""
        text += " AND x.source_id <> x.target_id" if at else ""
        then = Sql("now()") if self.moment is None else Sql("%s::timestamptz", [self.moment])
        valid = f"x.effective_from <= {then.text} AND (x.effective_until IS NULL OR x.effective_until > {then.text})"
        return Sql(
            f"{text} AND {valid} AND {link.text} AND {end.text}",
            [*then.values, *then.values, *link.values, *end.values],
        )

    def _end(self, way: Way, far: Sql) -> Sql:
        """The record at the other end is one that counts, and fulfils the condition."""
        if not self.reaches:
            return FALSE
        places = any_of(_within(f"x.{way.far}_pipeline_id", reach) for reach in self.reaches)
        if far.text == "true" and all(reach.scope.text == "true" for reach in self.reaches):
            return places
        record = self._record(way, far)
        return all_of([places, Sql(f"EXISTS ({record.text})", record.values)])

    def _record(self, way: Way, far: Sql, *, value: str = "") -> Sql:
        scopes = any_of(all_of([_within("r.pipeline_id", reach), reach.scope]) for reach in self.reaches)
        check = all_of([scopes, far])
        return Sql(
            f"SELECT {value} FROM my_records r WHERE r.tenant_id = '{self.tenant_id}' AND r.id = x.{way.far}_id "
            f"AND {_PRESENT.format('r')} AND {check.text}",
            check.values,
        )


def _within(column: str, reach: Reach) -> Sql:
    return TRUE if reach.pipelines is None else Sql(f"({column} = {_among(reach.pipelines)})")


def _among(pipelines: tuple[UUID, ...]) -> str:
    """Ids of no other origin than the tables."""
    if len(pipelines) == 1:
        return f"'{pipelines[0]}'"
    return f"ANY('{{{','.join(map(str, pipelines))}}}'::uuid[])"


def _values(parts: Iterable[Sql]) -> list[object]:
    return [value for part in parts for value in part.values]
