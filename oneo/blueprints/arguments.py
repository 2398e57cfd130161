"""What a route is sent, read as strictly as everything else; what is wrong with it comes out as one list of faults."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, NoReturn, cast

from flask import request
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser
from webargs.multidictproxy import MultiDictProxy

from oneo.errors import DomainError, FaultList, InvalidParameter, ValidationFailed, pointer
from oneo.pacing import paced
from oneo.schemas.base import Refusal

_UNKNOWN = "Unknown field."
"""As the schema library says it."""


class StrictParser(FlaskParser):
    """Raises InvalidParameter for a query, ValidationFailed for a body."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": None, "query": None}  # noqa: RUF012 - the schema decides

    def load_json(self, req: Any, schema: Schema) -> Any:
        if getattr(schema, "may_be_left_out", False) and not req.content_length and not req.content_type:
            return {}
        return req.strict_json()

    def load_querystring(self, req: Any, schema: Schema) -> Any:
        _refuse_repeats(req, schema)
        return MultiDictProxy(req.args, schema)

    def handle_error(
        self, error: ValidationError, req: Any, schema: Schema, *, error_status_code: int | None, error_headers: Any
    ) -> Any:
        messages: dict[str, Any] = error.messages_dict
        location, found = next(iter(messages.items()))
        in_query = location == "query"
        refuse(found, InvalidParameter if in_query else ValidationFailed, known=_names(schema) if in_query else ())


_PARSER = StrictParser()


def takes_array(blueprint: Blueprint, entry: type[Schema]) -> Callable[[Any], Any]:
    """Adds the body to the view's arguments as it came: the operation reads its entries, each with faults of its own.

    `entry` documents them.
    """

    def decorator(view: Any) -> Any:
        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return view(*args, cast("Any", request).strict_json(), **kwargs)

        wrapper._apidoc = blueprint.arguments(entry(many=True))(view)._apidoc  # type: ignore[attr-defined] # noqa: SLF001 - where it is kept
        return wrapper

    return decorator


def takes_body(blueprint: Blueprint, schema: Schema) -> Callable[[Any], Any]:
    """Add the sound part of the body to the view's arguments, and `faults` with what is wrong with the rest.

    The operation goes on checking the sound part, adds to the same list, and raises once. A body that is no object, or
    has very many unknown keys, is refused here.
    """

    def decorator(view: Any) -> Any:
        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            body, faults = _sound_part(schema)
            return view(*args, body, faults=faults, **kwargs)

        wrapper._apidoc = blueprint.arguments(schema)(view)._apidoc  # type: ignore[attr-defined] # noqa: SLF001 - where it is kept
        return wrapper

    return decorator


def _sound_part(schema: Schema) -> tuple[dict[str, Any], FaultList]:
    faults = FaultList()
    given = _PARSER.load_json(request, schema)
    try:
        return cast("dict[str, Any]", schema.load(given)), faults
    except ValidationError as error:
        _collect(error.messages_dict, "", faults, (), "UNKNOWN_FIELD")
        if not isinstance(given, dict) or error.valid_data is None:
            faults.check()
        return cast("dict[str, Any]", error.valid_data), faults


def takes_query(view: Any) -> bool:
    """Whether it documents any parameter of the query."""
    said = getattr(view, "_apidoc", {})
    parts = [said.get(part, {}).get("parameters", []) for part in ("arguments", "manual_doc")]
    return any(parameter["in"] == "query" for part in parts for parameter in part)


def without_query(view: Any) -> Any:
    """Refuses every parameter: one that is passed over is taken for one that had its effect."""

    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if request.args:
            refuse({name: [_UNKNOWN] for name in request.args}, InvalidParameter)
        return view(*args, **kwargs)

    return wrapper


def refuse(messages: Any, error: type[DomainError], *, known: Iterable[str] = ()) -> NoReturn:
    """Raises the error with a fault for each message of the schema library. `known` are names that may be meant."""
    faults = FaultList()
    _collect(messages, "", faults, known, "UNKNOWN_PARAMETER" if error is InvalidParameter else "UNKNOWN_FIELD")
    raise error(faults=faults.faults, left_out=faults.left_out)


def _refuse_repeats(req: Any, schema: Schema) -> None:
    faults = FaultList()
    names = _names(schema)
    for key in req.args:
        if key in names and len(req.args.getlist(key)) > 1:
            faults.add(pointer(key), "REPEATED", "This parameter stands twice.")
    faults.check(InvalidParameter)


def _names(schema: Schema) -> set[str]:
    return {found.data_key or name for name, found in schema.fields.items()}


def _collect(messages: Any, where: str, faults: FaultList, known: Iterable[str], unknown: str) -> None:
    if isinstance(messages, dict):
        for key, inner in paced(messages.items(), stride=64):
            _collect(inner, where if key == "_schema" else where + pointer(key), faults, known, unknown)
        return
    for text in messages if isinstance(messages, list) else [messages]:
        if text == _UNKNOWN:
            faults.add(where, unknown, text, near=(where[1:], known))
        else:
            code = "REQUIRED" if "required" in text else "INVALID_VALUE"
            faults.add(where, code, text, allowed=text.allowed if isinstance(text, Refusal) else ())
