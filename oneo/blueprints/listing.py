"""How a route becomes a list: its parameters, documented from what may be asked, and read from the query."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import request
from marshmallow import ValidationError

from oneo.blueprints.base import ApiBlueprint, refuse
from oneo.errors import InvalidParameter
from oneo.operations.lists import ListQuery
from oneo.schemas.base import ListParameters
from oneo.store.resources import Resource

_PARAMETERS = ListParameters()
_NAMES = frozenset(field.data_key or name for name, field in _PARAMETERS.fields.items())
_DEFAULT = ListQuery()


def takes_list_query(blueprint: ApiBlueprint, resource: Resource) -> Callable[[Any], Any]:
    """Adds a ListQuery to the view's arguments."""

    def decorator(view: Any) -> Any:
        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return view(*args, list_query(), **kwargs)

        return blueprint.doc(parameters=_documented(resource))(wrapper)

    return decorator


def list_query() -> ListQuery:
    """What the request asks of a list. Raises InvalidParameter."""
    if not request.query_string:
        return _DEFAULT
    given = request.args.to_dict(flat=False)
    known = {name: texts[0] for name, texts in given.items() if name in _NAMES}
    try:
        loaded: dict[str, Any] = _PARAMETERS.load(known)
    except ValidationError as error:
        refuse(error.messages_dict, InvalidParameter)
    repeated = {name: ["This parameter stands twice."] for name in known if len(given[name]) > 1}
    if repeated:
        refuse(repeated, InvalidParameter)
    conditions = {name: texts for name, texts in given.items() if name not in _NAMES}
    return ListQuery(fields=loaded.pop("fields_"), conditions=conditions, **loaded)


def _documented(resource: Resource) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = []
    for name, field in _PARAMETERS.fields.items():
        schema: dict[str, Any] = {"type": "integer" if name.startswith("page") else "string"}
        if name == "page":
            schema |= {"minimum": 1, "maximum": 1_000_000, "default": 1}
        elif name == "page_size":
            schema |= {"minimum": 1, "maximum": 1000, "default": _DEFAULT.page_size}
        elif name == "count":
            schema |= {"enum": ["exact", "estimated", "none"], "default": "exact"}
        parameters.append(_parameter(field.data_key or name, schema, field.metadata["description"]))
    for name, column in resource.columns.items():
        others = ", ".join(f"{name}__{operator}" for operator in column.type.operators)
        about = f"Condition. With other operators: {others}."
        parameters.append(_parameter(name, dict(column.type.json_schema), about))
    return parameters


def _parameter(name: str, schema: dict[str, Any], about: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": about, "schema": schema}
