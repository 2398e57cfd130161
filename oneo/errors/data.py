"""What goes wrong with pipelines, fields and records."""

from __future__ import annotations

from typing import Any

from oneo.errors.base import DomainError
from oneo.errors.request import NotFound
from oneo.errors.things import Conflict


class PipelineNotFound(NotFound):
    code, title = "PIPELINE_NOT_FOUND", "There is no such pipeline."


class PipelineInactive(Conflict):
    code, title = "PIPELINE_INACTIVE", "The pipeline is not active and takes no new records."


class FieldNotFound(NotFound):
    code, title = "FIELD_NOT_FOUND", "There is no such field."


class TemplateNotFound(NotFound):
    code, title = "TEMPLATE_NOT_FOUND", "There is no such template."


class TemplateShipped(Conflict):
    code, title = "TEMPLATE_SHIPPED", "A shipped template cannot be removed."


class RecordNotFound(NotFound):
    code, title = "RECORD_NOT_FOUND", "There is no such record."


class RecordNotRemoved(Conflict):
    code, title = "RECORD_NOT_REMOVED", "Only a removed record can be erased: remove it first."


class CommentNotFound(NotFound):
    code, title = "COMMENT_NOT_FOUND", "There is no such comment."


class ValueTaken(Conflict):
    code, title = "VALUE_TAKEN", "Another record has this value, which must be unique."


class FieldInUse(Conflict):
    code, title = "FIELD_IN_USE", "Records have values that this change would not keep."


class LimitReached(DomainError):
    code, status, title = "LIMIT_REACHED", 409, "There are as many of these as there may be."


class NoSlotLeft(Conflict):
    code, title = "NO_SLOT_LEFT", "The pipeline has no index of this kind left for another field."


class TooManyAffected(Conflict):
    code, title = "TOO_MANY_AFFECTED", "More records would be changed than the caller allows."


class RecordTooLarge(DomainError):
    code, status, title = "RECORD_TOO_LARGE", 422, "The record holds more than a record can."


class PageTooLarge(DomainError):
    """Like StatementTimeout a 422: the query is valid, but its answer would be too large."""

    code, status, title = "PAGE_TOO_LARGE", 422, "The page has more bytes than one answer may have."


class ArrayExpected(DomainError):
    code, status, title = "ARRAY_EXPECTED", 400, "An array expected: the body must be a list of records."

    def __init__(self, detail: str | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("extra", {"error": detail or self.title})
        super().__init__(detail, **kwargs)
