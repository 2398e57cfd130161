"""What can be subscribed to: which events, under which permission, by which name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from oneo.access import policy
from oneo.access.permissions import P
from oneo.access.schema import find_pipeline
from oneo.actor import Actor, system_user_id
from oneo.delivery.payload import LoggedEvent
from oneo.errors import NotFound, RecordNotFound
from oneo.ids import as_id
from oneo.operations.records import get_record


class TopicNotFound(NotFound):
    code, title = "TOPIC_NOT_FOUND", "There is no such topic."


@dataclass(frozen=True, slots=True)
class Topic:
    """`event_name` is what a socket's listener hears; `subjects` gives the key of the subject for each kind of event.

    `is_cut`: its events are cut to their reader, so each reader's are read for him. `end` is a record at one of the
    ends, and its pipeline.
    """

    name: str
    subjects: Mapping[str, str]
    event_name: str
    permission: P | None = None
    pipeline_id: UUID | None = None
    subject_id: UUID | None = None
    is_cut: bool = True
    takes_filter: bool = False
    end: tuple[UUID, UUID] | None = None

    def is_open_to(self, actor: Actor) -> bool:
        if self.end is not None and not policy.allows(actor, P.RECORDS_READ, self.end[1]):
            return False
        return self.permission is None or policy.allows(actor, self.permission, self.pipeline_id)

    def shows(self, actor: Actor, event: LoggedEvent) -> bool:
        """Whether the event is of this topic. The system user is shown to nobody."""
        return (
            event.kind in self.subjects
            and self.pipeline_id in {None, event.pipeline_id}
            and self.subject_id in {None, event.subject_id}
            and (self.end is None or self.end[0] in event.ends)
            and event.subject_id != system_user_id(actor.tenant_id)
        )


_RECORDS = Topic("records", {"record": "record_id"}, "record_event", P.RECORDS_READ, takes_filter=True)
_RELATIONSHIPS = Topic(
    "relationships", {"relationship": "relationship_id"}, "relationship_event", P.RELATIONSHIPS_READ, takes_filter=True
)
_OF_SCHEMA = {
    "pipeline": "pipeline_id", "relationship_type": "relationship_type_id", "field": "field_id",
    "constraint": "constraint_id",
}  # fmt: skip
_TOPICS: Mapping[str, Topic] = {
    "records": _RECORDS,
    "relationships": _RELATIONSHIPS,
    "schema": Topic("schema", _OF_SCHEMA, "pipeline_event"),
    "users": Topic("users", {"user": "user_id"}, "user_event", P.USERS_READ, is_cut=False),
}
TOPICS = ("pipeline:<id or slug>", "record:<id>", "record:<id>:relationships", *_TOPICS)


def topic_named(actor: Actor, name: str) -> Topic:
    """Raises TopicNotFound, PipelineNotFound, RecordNotFound, PermissionDenied, StaleActor."""
    kind, colon, which = name.partition(":")
    if colon and kind == "pipeline":
        sight = find_pipeline(actor, which, P.RECORDS_READ)
        return replace(_RECORDS, name=name, pipeline_id=sight.shape.id)
    if colon and kind == "record":
        return _of_record(actor, name, which)
    topic = _TOPICS.get(name)
    if topic is None:
        raise _unknown(name)
    if topic.permission is not None:
        policy.require(actor, topic.permission)
    return topic


def _of_record(actor: Actor, name: str, which: str) -> Topic:
    """Of the record itself, or of its relationships."""
    id_text, colon, rest = which.partition(":")
    if colon and rest != "relationships":
        raise _unknown(name)
    record_id = as_id(id_text)
    if record_id is None:
        raise RecordNotFound
    _, _, sight = get_record(actor, record_id, fields="id")
    if not colon:
        return replace(_RECORDS, name=name, pipeline_id=sight.shape.id, subject_id=record_id)
    policy.require(actor, P.RELATIONSHIPS_READ)
    return replace(_RELATIONSHIPS, name=name, end=(record_id, sight.shape.id))


def _unknown(name: str) -> TopicNotFound:
    return TopicNotFound(f"There is no topic {name[:100]!r}.", extra={"topics": sorted(TOPICS)})
