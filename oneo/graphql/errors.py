"""What goes wrong in GraphQL, as entries of an answer's `errors`."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flask import g
from graphene.utils.str_converters import to_camel_case
from graphql import GraphQLError

from oneo.errors import DomainError, InternalError
from oneo.fields.dates import moment_text
from oneo.graphql.words import fault_of, name_of

MAX_MESSAGE = 500
_log = logging.getLogger("oneo.graphql")


class DocumentRefused(DomainError):
    """The document was not executed; `found` says where it is wrong."""

    def __init__(self, found: Iterable[GraphQLError]) -> None:
        super().__init__()
        self.found = tuple(found)


class DocumentUnreadable(DocumentRefused):
    code, status, title = "GRAPHQL_SYNTAX_ERROR", 400, "The document is not GraphQL, or is too long to be read."


class DocumentInvalid(DocumentRefused):
    code, status, title = "GRAPHQL_VALIDATION_FAILED", 422, "The document or its variables do not fit the schema."


class DocumentTooComplex(DocumentRefused):
    code, status, title = "GRAPHQL_TOO_COMPLEX", 422, "The document asks for more than one request may."


def entries(error: DomainError) -> list[dict[str, Any]]:
    """The entries for a request that was not executed."""
    if isinstance(error, DocumentRefused):
        return [_entry(found.message, error.code, found) for found in error.found]
    return [_entry(error.detail, error.code, None, error)]


def field_entry(found: GraphQLError, words: str | None = None) -> dict[str, Any]:
    """The entry for a field that failed, in the words of its root field. What is not one of our errors is logged, and
    told to nobody.
    """
    cause = found.original_error
    if isinstance(cause, DomainError):
        return _entry(cause.detail, cause.code, found, cause, words)
    _log.error("a field failed: %s", found.path, exc_info=cause or found)
    return _entry(InternalError.title, InternalError.code, found)


def _entry(
    message: str, code: str, found: GraphQLError | None, cause: DomainError | None = None, words: str | None = None
) -> dict[str, Any]:
    name = name_of(code, words)
    entry: dict[str, Any] = {"message": message[:MAX_MESSAGE], "code": name}
    if found is not None and found.locations:
        entry["locations"] = [{"line": at.line, "column": at.column} for at in found.locations]
    if found is not None and found.path is not None:
        entry["path"] = found.path
    now = moment_text(datetime.now(UTC))
    extensions = {"code": name, "canonicalCode": code, "timestamp": now, "requestId": g.get("request_id")}
    if cause is not None:
        extensions |= {to_camel_case(name): value for name, value in cause.extra.items()}
        if cause.faults:
            extensions["errors"] = [fault_of(replace(fault, suggestion=None), words) for fault in cause.faults]
    return {**entry, "extensions": extensions}
