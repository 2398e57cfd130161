"""Every type of event that the log can hold, and the rule that says who is shown it.

A type that is not in this catalogue can be neither written nor read: an event of an unknown type, such as one that a
newer version of the program has left in the log, is shown to nobody.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import Self


class Visibility(Enum):
    """Which readers are shown an event, beyond the permission to read the log or to subscribe to the topic."""

    RECORD = "readers of the record"
    RELATIONSHIP = "readers of the relationship and of both records"
    COMMENT = "readers of the commented record"
    PIPELINE = "those who see the pipeline"
    RELATIONSHIP_TYPE = "those who see the relationship type"
    FIELD = "those who see the pipeline or relationship type, and the field"
    LOG = "all who may read the log, or the topic"


class EventType(StrEnum):
    """`<kind>.<what happened>`."""

    visibility: Visibility
    description: str

    def __new__(cls, value: str, visibility: Visibility, description: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.visibility = visibility
        member.description = description
        return member

    RECORD_CREATED = "record.created", Visibility.RECORD, "A record was created."
    RECORD_UPDATED = "record.updated", Visibility.RECORD, "Values, title or status of a record changed."
    RECORD_DELETED = "record.deleted", Visibility.RECORD, "A record was removed; it can be restored."
    RECORD_RESTORED = "record.restored", Visibility.RECORD, "A removed record came back."
    RECORD_PURGED = "record.purged", Visibility.RECORD, "A record was erased."
    RELATIONSHIP_CREATED = "relationship.created", Visibility.RELATIONSHIP, "Two records were related."
    RELATIONSHIP_UPDATED = "relationship.updated", Visibility.RELATIONSHIP, "Values of a relationship changed."
    RELATIONSHIP_ACTIVATED = "relationship.activated", Visibility.RELATIONSHIP, "A relationship holds again."
    RELATIONSHIP_DEACTIVATED = (
        "relationship.deactivated", Visibility.RELATIONSHIP, "A relationship does not hold any more.",
    )  # fmt: skip
    RELATIONSHIP_DELETED = "relationship.deleted", Visibility.RELATIONSHIP, "A relationship was removed."
    RELATIONSHIP_RESTORED = "relationship.restored", Visibility.RELATIONSHIP, "A removed relationship came back."
    RELATIONSHIP_PURGED = "relationship.purged", Visibility.RELATIONSHIP, "A relationship was erased."
    COMMENT_CREATED = "comment.created", Visibility.COMMENT, "A comment was written."
    COMMENT_UPDATED = "comment.updated", Visibility.COMMENT, "A comment was changed."
    COMMENT_DELETED = "comment.deleted", Visibility.COMMENT, "A comment was removed."
    PIPELINE_CREATED = "pipeline.created", Visibility.PIPELINE, "A pipeline was created."
    PIPELINE_UPDATED = "pipeline.updated", Visibility.PIPELINE, "A pipeline was changed."
    PIPELINE_DELETED = "pipeline.deleted", Visibility.PIPELINE, "A pipeline was removed."
    PIPELINE_RESTORED = "pipeline.restored", Visibility.PIPELINE, "A removed pipeline came back."
    FIELD_CREATED = "field.created", Visibility.FIELD, "A field was added."
    FIELD_UPDATED = "field.updated", Visibility.FIELD, "A field was changed."
    FIELD_INDEXED = "field.indexed", Visibility.FIELD, "The index of a field is filled."
    FIELD_DELETED = "field.deleted", Visibility.FIELD, "A field was removed; its values are kept."
    FIELD_RESTORED = "field.restored", Visibility.FIELD, "A removed field came back."
    RELATIONSHIP_TYPE_CREATED = (
        "relationship_type.created", Visibility.RELATIONSHIP_TYPE, "A relationship type was created.",
    )  # fmt: skip
    RELATIONSHIP_TYPE_UPDATED = (
        "relationship_type.updated", Visibility.RELATIONSHIP_TYPE, "A relationship type was changed.",
    )  # fmt: skip
    RELATIONSHIP_TYPE_DELETED = (
        "relationship_type.deleted", Visibility.RELATIONSHIP_TYPE, "A relationship type was removed.",
    )  # fmt: skip
    RELATIONSHIP_TYPE_RESTORED = (
        "relationship_type.restored", Visibility.RELATIONSHIP_TYPE, "A removed relationship type came back.",
    )  # fmt: skip
    CONSTRAINT_CREATED = "constraint.created", Visibility.RELATIONSHIP_TYPE, "A constraint was added."
    CONSTRAINT_UPDATED = "constraint.updated", Visibility.RELATIONSHIP_TYPE, "A constraint was changed."
    CONSTRAINT_DELETED = "constraint.deleted", Visibility.RELATIONSHIP_TYPE, "A constraint was removed."
    TEMPLATE_CREATED = "template.created", Visibility.LOG, "A template was saved."
    TEMPLATE_DELETED = "template.deleted", Visibility.LOG, "A template was removed."
    TENANT_CREATED = "tenant.created", Visibility.LOG, "The tenant was created."
    TENANT_UPDATED = "tenant.updated", Visibility.LOG, "The profile of the tenant was changed."
    TENANT_SUSPENDED = "tenant.suspended", Visibility.LOG, "The tenant was suspended."
    TENANT_ACTIVATED = "tenant.activated", Visibility.LOG, "A suspended tenant came back."
    TENANT_DOMAIN_ADDED = "tenant.domain_added", Visibility.LOG, "The tenant got a domain."
    USER_CREATED = "user.created", Visibility.LOG, "A user was created."
    USER_UPDATED = "user.updated", Visibility.LOG, "A user was changed."
    USER_PASSWORD_CHANGED = "user.password_changed", Visibility.LOG, "A user got another password."
    USER_DELETED = "user.deleted", Visibility.LOG, "A user was removed."
    USER_RESTORED = "user.restored", Visibility.LOG, "A removed user came back."
    USER_TYPE_CREATED = "user_type.created", Visibility.LOG, "A user type was created."
    USER_TYPE_UPDATED = "user_type.updated", Visibility.LOG, "A user type was changed."
    USER_TYPE_DELETED = "user_type.deleted", Visibility.LOG, "A user type was removed."
    SESSION_CREATED = "session.created", Visibility.LOG, "A user logged in."
    SESSION_REVOKED = "session.revoked", Visibility.LOG, "A session was ended."
    API_KEY_CREATED = "api_key.created", Visibility.LOG, "An API key was made."
    API_KEY_REVOKED = "api_key.revoked", Visibility.LOG, "An API key was ended."

    @property
    def kind(self) -> str:
        return self.value.partition(".")[0]


_BY_NAME = {known.value: known for known in EventType}


def event_type(name: str) -> EventType:
    """The type of this name. Raises KeyError: code that writes another one is wrong."""
    return _BY_NAME[name]


def types_of(*visibilities: Visibility) -> list[EventType]:
    """The types with one of these visibilities; all types when none is named."""
    return [known for known in EventType if not visibilities or known.visibility in visibilities]
