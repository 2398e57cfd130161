"""Comments on records. Who reads a record reads them; writing them is a permission of its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from oneo.access import policy
from oneo.access.permissions import P
from oneo.access.schema import Sight, row_scope
from oneo.actor import Actor
from oneo.errors import CommentNotFound, FaultList, PermissionDenied, RecordNotFound
from oneo.events.unit import Unit, public, unit
from oneo.filters.sql import FALSE, Sql
from oneo.models import Comment
from oneo.operations.lists import Listing, ListQuery, list_resource
from oneo.operations.records import sight_of_record
from oneo.store.comments import comment_resource
from oneo.store.history import holds, presence
from oneo.store.lists import get_row


def list_comments(actor: Actor, record_id: UUID, query: ListQuery) -> Listing:
    """Oldest first. Raises RecordNotFound, InvalidParameter, InvalidCursor."""
    present = _presence(actor, record_id)
    found = list_resource(actor, comment_resource(record_id), query, scope=present)
    if found.results == "[]" and not holds(actor, present):
        raise RecordNotFound
    return found


def get_comment(actor: Actor, record_id: UUID, comment_id: UUID) -> tuple[str, int]:
    """(JSON text, version). Raises RecordNotFound, CommentNotFound."""
    _require_record(actor, record_id)
    return _shown(actor, record_id, comment_id)


def create_comment(
    actor: Actor, record_id: UUID, body: Mapping[str, Any], *, faults: FaultList | None = None
) -> tuple[UUID, str, int]:  # fmt: skip
    """(id, JSON text, version). Raises RecordNotFound, ValidationFailed when there is nothing to answer to."""
    sight, faults = _writing_sight(actor, record_id), faults or FaultList()
    with unit(actor) as work:
        _require_record(actor, record_id)
        parent_id = body.get("parent_id")
        if parent_id is not None and _found(work, record_id, parent_id) is None:
            faults.add("/parent_id", "COMMENT_NOT_FOUND", "There is no such comment here.")
        faults.check()
        comment = Comment(
            pipeline_id=sight.shape.id, record_id=record_id, parent_id=parent_id, body=body["body"],
            created_by=actor.user_id,
        )  # fmt: skip
        work.session.add(comment)
        _tell(work, comment, "comment.created", {})
        return (comment.id, *_shown(actor, record_id, comment.id))


def update_comment(
    actor: Actor, record_id: UUID, comment_id: UUID, body: Mapping[str, Any], *, versions: frozenset[int] | None = None
) -> tuple[str, int]:
    """Its author alone may. Raises RecordNotFound, CommentNotFound, PermissionDenied, VersionMismatch."""
    _writing_sight(actor, record_id)
    with unit(actor) as work:
        comment = _locked(work, record_id, comment_id)
        if comment.created_by != actor.user_id:
            raise PermissionDenied("Only its author may change a comment.")
        work.lock(Comment, comment_id, versions=versions)
        comment.body = body.get("body", comment.body)
        former = work.differences(comment)
        if former:
            _tell(work, comment, "comment.updated", former)
        return _shown(actor, record_id, comment_id)


def delete_comment(actor: Actor, record_id: UUID, comment_id: UUID, *, versions: frozenset[int] | None = None) -> None:
    """Its author may, and who may delete the record. Answers to it stay.

    Raises RecordNotFound, CommentNotFound, PermissionDenied, VersionMismatch.
    """
    with unit(actor) as work:
        comment = _locked(work, record_id, comment_id)
        if comment.created_by != actor.user_id and not _deletes_record(actor, record_id):
            raise PermissionDenied("Its author may remove a comment, and who may remove the record.")
        work.lock(Comment, comment_id, versions=versions)
        comment.deleted_at = datetime.now(UTC)
        _tell(work, comment, "comment.deleted", work.differences(comment))


def _writing_sight(actor: Actor, record_id: UUID) -> Sight:
    """Raise RecordNotFound for a record that the caller may not read, before PermissionDenied."""
    sight = sight_of_record(actor, record_id, P.RECORDS_READ)
    if not policy.allows(actor, P.COMMENTS_CREATE, sight.shape.id):
        _require_record(actor, record_id)
        policy.require(actor, P.COMMENTS_CREATE, sight.shape.id)
    return sight


def _presence(actor: Actor, record_id: UUID) -> Sql:
    sight = sight_of_record(actor, record_id, P.RECORDS_READ)
    return presence(actor, sight.shape.id, record_id, row_scope(actor, P.RECORDS_READ, sight.shape), FALSE)


def _require_record(actor: Actor, record_id: UUID) -> None:
    if not holds(actor, _presence(actor, record_id)):
        raise RecordNotFound


def _deletes_record(actor: Actor, record_id: UUID) -> bool:
    shape = sight_of_record(actor, record_id, P.RECORDS_READ).shape
    if not policy.allows(actor, P.RECORDS_DELETE, shape.id):
        return False
    return holds(actor, presence(actor, shape.id, record_id, row_scope(actor, P.RECORDS_DELETE, shape), FALSE))


def _locked(work: Unit, record_id: UUID, comment_id: UUID) -> Comment:
    """Raises RecordNotFound, CommentNotFound."""
    _require_record(work.actor, record_id)
    comment = _found(work, record_id, comment_id)
    if comment is None:
        raise CommentNotFound
    return comment


def _found(work: Unit, record_id: UUID, comment_id: UUID) -> Comment | None:
    """A comment on this record that is not deleted, locked so that it stays so."""
    comment = work.lock(Comment, comment_id)
    return comment if comment and comment.record_id == record_id and comment.deleted_at is None else None


def _tell(work: Unit, comment: Comment, event_type: str, former: Mapping[str, Any]) -> None:
    work.session.flush()
    work.append(
        event_type, comment.id, data=public(comment), old=former or None, version=comment.version,
        pipeline_id=comment.pipeline_id,
    )  # fmt: skip


def _shown(actor: Actor, record_id: UUID, comment_id: UUID) -> tuple[str, int]:
    found = get_row(actor, comment_resource(record_id), Sql("c.id = %s", [comment_id]))
    if found is None:
        raise CommentNotFound
    return found
