"""POST and GET /graphql: one request, as one actor, to one answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from flask import Flask, Response, request
from graphql import ExecutionContext, ExecutionResult, GraphQLError, OperationType, execute_sync, get_operation_ast

from oneo.access.permissions import LOGGED_IN
from oneo.actor import Actor
from oneo.errors import AuthenticationRequired, DomainError, MethodNotAllowed, StaleActor, Unavailable
from oneo.graphql.base import Context
from oneo.graphql.documents import Documents, documents
from oneo.graphql.errors import DocumentInvalid, DocumentRefused, entries, field_entry
from oneo.graphql.requests import LEGACY, Asked, read_request, wanted_type
from oneo.graphql.schema import schema
from oneo.http import problems
from oneo.http.bearer import with_actor
from oneo.pacing import Pacer
from oneo.store import message


class PacedExecution(ExecutionContext):
    """Pauses for other requests between the objects of an answer, which can be many thousands."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._pacer = Pacer(stride=4)

    def execute_fields(self, *arguments: Any, **options: Any) -> Any:
        self._pacer.step()
        return super().execute_fields(*arguments, **options)


class FieldsFailed(DomainError):
    """Fields of an answer failed, which an outdated actor may explain: if he was not, the answer stands."""

    def __init__(self, result: ExecutionResult, words: Mapping[str, str]) -> None:
        super().__init__()
        self.result = result
        self.words = words


def register_graphql(app: Flask) -> None:
    app.extensions["oneo.documents"] = Documents()
    serve_graphql.permission = LOGGED_IN  # type: ignore[attr-defined] # as every route says who may call it
    for rule in ("/graphql", "/graphql/"):
        app.add_url_rule(rule, view_func=serve_graphql, methods=["GET", "POST"])
    schema()


def serve_graphql() -> Response:
    """Who has no token learns nothing, not even whether the request is well-formed."""
    media = wanted_type()
    try:
        return _response(*with_actor(lambda actor: _result(actor, read_request())), media)
    except FieldsFailed as failure:
        return _response(failure.result, failure.words, media)
    except DomainError as error:
        return _refusal(error, media)


def _result(actor: Actor, asked: Asked) -> tuple[ExecutionResult, Mapping[str, str]]:
    """And the words of root fields. Raises DomainErrors for the request as a whole, FieldsFailed, StaleActor."""
    document = documents().get(asked.query)
    operation = get_operation_ast(document, asked.operation_name)
    if request.method != "POST" and operation is not None and operation.operation is not OperationType.QUERY:
        raise MethodNotAllowed("Only queries may be sent by GET.", headers={"Allow": "POST"})
    context = Context(actor)
    result = execute_sync(
        schema(),
        document,
        context_value=context,
        variable_values=asked.variables,
        operation_name=asked.operation_name,
        execution_context_class=PacedExecution,
        hide_suggestions=True,
    )
    _sift(result, context.words)
    if not context.confirmed:
        message.confirm(actor)
    return result, context.words


def _sift(result: ExecutionResult, words: Mapping[str, str]) -> None:
    """What concerns the caller or the whole server is no matter of single fields; the rest stays in the answer."""
    errors = result.errors or []
    causes = [error.original_error for error in errors]
    for cause in causes:
        if isinstance(cause, StaleActor | AuthenticationRequired | Unavailable):
            raise cause
    if any(error.path is None for error in errors):
        raise DocumentInvalid(errors)
    if any(isinstance(cause, DomainError) for cause in causes):
        raise FieldsFailed(result, words)


def _response(result: ExecutionResult, words: Mapping[str, str], media: str) -> Response:
    body: dict[str, Any] = {"data": result.data}
    if result.errors:
        body = {"errors": [field_entry(error, words.get(_root(error))) for error in result.errors], **body}
    return Response(orjson.dumps(body), 200, content_type=f"{media}; charset=utf-8")


def _root(error: GraphQLError) -> str:
    """The key of the root field that it lies in."""
    return str(error.path[0]) if error.path else ""


def _refusal(error: DomainError, media: str) -> Response:
    """Status and headers as REST would answer. Clients of the older media type expect 200 for a faulty document."""
    response = problems.problem(error)
    if media == LEGACY and isinstance(error, DocumentRefused):
        response.status_code = 200
    response.set_data(orjson.dumps({"errors": entries(error)}))
    response.content_type = f"{media}; charset=utf-8"
    return response
