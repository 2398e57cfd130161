"""One step along relationships, as SQL on the record `r`: the relationship is `x`, the record at its other end is `r`
again, one level further in, where nothing of the outer one is named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from oneo.filters.columns import SIGNS, Catalogue
from oneo.filters.sql import FALSE, Sql, all_of, any_of

COUNTS = {**SIGNS, "exact": "="}


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
            record = any_of(self._record(way, reach, Sql("true"), value=f"{value} AS v") for reach in self.reaches)
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
        text += f" AND x.type_id = '{self.type_id}' AND x.deleted_at IS NULL AND NOT x.is_dormant"
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
        return any_of(self._place(way, reach, far) for reach in self.reaches) if self.reaches else FALSE

    def _place(self, way: Way, reach: Reach, far: Sql) -> Sql:
        place = Sql("true" if reach.pipelines is None else f"(x.{way.far}_pipeline_id = {_among(reach.pipelines)})")
        if reach.scope.text == "true" and far.text == "true":
            return place
        record = self._record(way, reach, far)
        return all_of([place, Sql(f"EXISTS ({record.text})", record.values)])

    def _record(self, way: Way, reach: Reach, far: Sql, *, value: str = "") -> Sql:
        place = "" if reach.pipelines is None else f" AND r.pipeline_id = {_among(reach.pipelines)}"
        check = all_of([reach.scope, far])
        return Sql(
            f"SELECT {value} FROM my_records r WHERE r.tenant_id = '{self.tenant_id}' AND r.id = x.{way.far}_id"
            f"{place} AND r.deleted_at IS NULL AND {check.text}",
            check.values,
        )


def _among(pipelines: tuple[UUID, ...]) -> str:
    """Ids of no other origin than the tables."""
    if len(pipelines) == 1:
        return f"'{pipelines[0]}'"
    return f"ANY('{{{','.join(map(str, pipelines))}}}'::uuid[])"


def _values(parts: Iterable[Sql]) -> list[object]:
    return [value for part in parts for value in part.values]
