"""How each kind of small row is shown and asked about: its JSON, its columns, its search."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from oneo.actor import CredentialKind
from oneo.event_types import EventType
from oneo.fields.base import EQUALITY
from oneo.fields.dates import DateTime
from oneo.fields.scalars import Boolean, Identifier, Integer, Keyword, Text
from oneo.fields.words import Word
from oneo.filters.columns import Column
from oneo.filters.related import Relations
from oneo.filters.sql import Sql

_ID, _TEXT, _WORD, _FLAG, _NUMBER, _TIME = Identifier(), Text(), Keyword(), Boolean(), Integer(), DateTime()

WRITTEN_WITHOUT_EVENTS = frozenset({"sessions", "api_keys"})
"""Tables whose rows also change without an event, so that the tenant's event number does not say whether they did."""


@dataclass(frozen=True, slots=True)
class Resource:
    """`document` gives each key of the JSON as SQL; `base` is always part of the condition.

    `parts` are pieces of a key that can be picked by themselves, as `<key>__<piece>`. `timeless` means that the list
    changes by events alone, not as time goes by. `search` are texts to look into, `words` vectors of words that have
    all to match. A table that is a query itself has `values`; `source` is where the document's keys are found, if it
    is not the row. `embeds` are things beside the row that can be asked for with it; `beside` makes further ones, when
    they are asked for, as expressions with values. `figures` are those that were asked for and have values. `relations`
    lead on from the rows.
    """

    table: str
    alias: str
    document: Mapping[str, str]
    columns: Mapping[str, Column]
    search: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    order: str = "-created_at"
    base: str = "true"
    tie: str = "id"
    parts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    timeless: bool = True
    values: tuple[object, ...] = ()
    source: str = ""
    embeds: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, Sql] = field(default_factory=dict)
    beside: Mapping[str, Callable[[], Sql]] = field(default_factory=dict)
    relations: Callable[[], Relations] | None = None

    @property
    def includable(self) -> list[str]:
        return [*self.embeds, *self.beside]

    @property
    def leads_on(self) -> bool:
        """Whether its rows are records, which relationships lead on from."""
        return self.table == "my_records" or self.relations is not None

    @property
    def changes_by_events(self) -> bool:
        """Whether its lists stay as they are while the tenant's event number does."""
        return self.table not in WRITTEN_WITHOUT_EVENTS

    @property
    def searchable(self) -> bool:
        return bool(self.search or self.words)

    @property
    def pickable(self) -> list[str]:
        return [*self.document, *(name for pieces in self.parts.values() for name in pieces)]

    def including(self, names: tuple[str, ...]) -> Resource:
        """The same with some of what it embeds, and with its figures."""
        if not names and not self.figures:
            return self
        included = {name: self.embeds[name] for name in names}
        if self.figures:
            texts = {**included, **{name: found.text for name, found in self.figures.items()}}
            # Their names are longer than those of columns can be.
            pairs = ", ".join(f"'{name}', {sql}" for name, sql in texts.items())
            members = f"json_build_object({pairs})"
        else:
            members = json_object(included)
        return replace(self, document={**self.document, "included": members})

    @property
    def shown_values(self) -> list[object]:
        """Those of the document."""
        return [value for found in self.figures.values() for value in found.values]

    def json(self, names: tuple[str, ...] | None = None) -> str:
        """The row as JSON, with all keys or the named ones."""
        if not names:
            return json_object(self.document, self.source)
        pieces = {
            key: {name.removeprefix(f"{key}__"): sql for name, sql in found.items() if name in names}
            for key, found in self.parts.items()
            if key not in names
        }
        whole = {key: sql for key, sql in self.document.items() if key in names}
        return json_object(whole | {key: json_object(found) for key, found in pieces.items() if found}, self.source)


def json_object(members: Mapping[str, str], source: str = "") -> str:
    values = ", ".join(f'{sql} AS "{key}"' for key, sql in members.items())
    return f"(SELECT row_to_json(document) FROM (SELECT {values} {source}) document)"


def moment(sql: str) -> str:
    """A time as the API writes it: RFC 3339, UTC, microseconds always."""
    return f"""to_char({sql} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


def plain_keys(alias: str, *names: str) -> dict[str, str]:
    return {name: f"{alias}.{name}" for name in names}


def moment_keys(alias: str, *names: str) -> dict[str, str]:
    return {name: moment(f"{alias}.{name}") for name in names}


class UserTypeColumn(Column):
    """The user types of a user, of which there may be several."""

    __slots__ = ()

    def test(self, operator: str, value: object) -> Sql:
        types = """SELECT FROM user_roles ur JOIN roles r ON r.tenant_id = ur.tenant_id AND r.id = ur.role_id
            AND r.deleted_at IS NULL WHERE ur.tenant_id = u.tenant_id AND ur.user_id = u.id"""
        if operator == "exists" or value is None:
            return Sql(f"({'' if operator == 'exists' and value else 'NOT '}EXISTS ({types}))")
        asked = Column("r.slug", self.type).test(operator, value)
        return Sql(f"(EXISTS ({types} AND {asked.text}))", asked.values)


def users_resource(user_types: Iterable[str], *, listed: bool = True) -> Resource:
    """Users, who can be asked about by these user types; `listed`: errors name them."""
    column = UserTypeColumn("", Word(user_types, listed=listed, operators=EQUALITY), sortable=False)
    return replace(USERS, columns={**USERS.columns, "user_type": column})


USERS = Resource(
    table="users",
    alias="u",
    base="NOT u.is_system",
    document={
        **plain_keys("u", "id", "email", "name", "is_active"),
        "user_types": """(SELECT coalesce(json_agg(r.slug ORDER BY r.slug), '[]') FROM user_roles ur
            JOIN roles r ON r.tenant_id = ur.tenant_id AND r.id = ur.role_id AND r.deleted_at IS NULL
            WHERE ur.tenant_id = u.tenant_id AND ur.user_id = u.id)""",
        **plain_keys("u", "timezone", "locale"),
        **moment_keys("u", "created_at", "updated_at", "deleted_at"),
        **plain_keys("u", "created_by", "updated_by", "version"),
    },
    columns={
        "id": Column("u.id", _ID),
        "email": Column("u.email", _TEXT),
        "name": Column("u.name", _TEXT),
        "is_active": Column("u.is_active", _FLAG),
        "user_type": UserTypeColumn("", Word((), listed=False, operators=EQUALITY), sortable=False),
        "created_at": Column("u.created_at", _TIME),
        "updated_at": Column("u.updated_at", _TIME),
        "created_by": Column("u.created_by", _ID, nullable=True),
    },
    search=("u.name", "u.email"),
)  # fmt: skip

USER_TYPES = Resource(
    table="roles",
    alias="r",
    base="r.deleted_at IS NULL",
    document={
        **plain_keys("r", "id", "slug", "name", "description", "grants", "is_shipped"),
        **moment_keys("r", "created_at", "updated_at"),
        **plain_keys("r", "version"),
    },
    columns={
        "id": Column("r.id", _ID),
        "slug": Column("r.slug", _WORD),
        "name": Column("r.name", _TEXT),
        "is_shipped": Column("r.is_shipped", _FLAG),
        "created_at": Column("r.created_at", _TIME),
        "updated_at": Column("r.updated_at", _TIME),
    },
    search=("r.name", "r.slug", "r.description"),
    order="name",
)

SESSIONS = Resource(
    table="sessions",
    alias="s",
    base="s.revoked_at IS NULL AND s.expires_at > now()",
    timeless=False,
    document={
        **plain_keys("s", "id", "user_id", "agent", "peer"),
        **moment_keys("s", "created_at", "refreshed_at", "expires_at"),
    },
    columns={
        "id": Column("s.id", _ID),
        "user_id": Column("s.user_id", _ID),
        "created_at": Column("s.created_at", _TIME),
        "expires_at": Column("s.expires_at", _TIME),
    },
)

API_KEYS = Resource(
    table="api_keys",
    alias="k",
    base="k.revoked_at IS NULL",
    document={
        **plain_keys("k", "id", "user_id", "name", "scopes"),
        **moment_keys("k", "created_at", "expires_at", "last_used_at"),
    },
    columns={
        "id": Column("k.id", _ID),
        "user_id": Column("k.user_id", _ID),
        "name": Column("k.name", _TEXT),
        "created_at": Column("k.created_at", _TIME),
        "expires_at": Column("k.expires_at", _TIME, nullable=True),
        "last_used_at": Column("k.last_used_at", _TIME, nullable=True),
    },
    search=("k.name",),
)

EVENTS = Resource(
    table="events",
    alias="e",
    document={
        **plain_keys("e", "seq", "id", "type"),
        "event_type": "split_part(e.type, '.', 2)",
        "tenant_id": "e.tenant_id",
        "occurred_at": moment("e.occurred_at"),
        "actor": "json_build_object('id', e.actor_id, 'kind', e.actor_kind)",
        **plain_keys("e", "subject_id", "pipeline_id", "version", "changed_fields", "data", "old", "reason"),
    },
    columns={
        "seq": Column("e.seq", _NUMBER),
        "type": Column("e.type", Word(known.value for known in EventType)),
        "actor_id": Column("e.actor_id", _ID),
        "actor_kind": Column("e.actor_kind", Word(CredentialKind)),
        "subject_id": Column("e.subject_id", _ID),
        "pipeline_id": Column("e.pipeline_id", _ID, nullable=True),
        "occurred_at": Column("e.occurred_at", _TIME),
    },
    order="-seq",
    tie="seq",
)
