"""How a route becomes a list: its parameters, documented from what may be asked, and read from the query."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from flask import request
from marshmallow import Schema, ValidationError

from oneo import strict_json
from oneo.blueprints.arguments import refuse
from oneo.blueprints.base import ApiBlueprint
from oneo.blueprints.openapi.parameters import list_parameters
from oneo.errors import InvalidParameter, MalformedJson
from oneo.filters.parse import MAX_DEPTH
from oneo.http.exchange import PAGED, TAGGED, exchanges
from oneo.operations.lists import ListQuery
from oneo.schemas.base import ListParameters
from oneo.store.resources import Resource

_PARAMETERS = ListParameters()
_DEFAULT = ListQuery()


def takes_list_query(blueprint: ApiBlueprint, resource: Resource, *, tagged: bool = True) -> Callable[[Any], Any]:
    """Adds a ListQuery to the view's arguments. `tagged`: the answer has an ETag, as `answer_list` is told."""

    def decorator(view: Any) -> Any:
        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return view(*args, list_query(), **kwargs)

        declared = exchanges(PAGED | TAGGED if tagged else PAGED)(wrapper)
        return blueprint.doc(parameters=list_parameters(resource))(declared)

    return decorator


def list_query() -> ListQuery:
    """What the request asks of a list. Raises InvalidParameter."""
    if not request.query_string:
        return _DEFAULT
    loaded, conditions = read_query(_PARAMETERS)
    return ListQuery(fields=loaded.pop("fields_"), conditions=conditions, **loaded)


def read_query(parameters: Schema) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The parameters that the schema knows, a filter among them as JSON, and the others. Raises InvalidParameter."""
    given = request.args.to_dict(flat=False)
    names = {field.data_key or name for name, field in parameters.fields.items()}
    known = {name: texts[0] for name, texts in given.items() if name in names}
    try:
        loaded: dict[str, Any] = parameters.load(known)
    except ValidationError as error:
        refuse(error.messages_dict, InvalidParameter)
    repeated = {name: ["This parameter stands twice."] for name in known if len(given[name]) > 1}
    if repeated:
        refuse(repeated, InvalidParameter)
    if loaded.get("cursor") is not None and loaded["page"] != 1:
        refuse({"page": ["A cursor says where the page begins: give one of them."]}, InvalidParameter)
    loaded["filter"] = _json(loaded["filter"])
    return loaded, {name: texts for name, texts in given.items() if name not in names}


def _json(text: str | None) -> object:
    """As strict as a body: of two equal keys one would be ignored, and the list be wider than was asked."""
    if text is None:
        return None
    if not text.strip():
        refuse({"filter": ["An object is expected, as JSON."]}, InvalidParameter)
    try:
        found: object = strict_json.loads(text.encode(), max_depth=4 * MAX_DEPTH)
    except MalformedJson as error:
        raise InvalidParameter(faults=[replace(fault, pointer="/filter") for fault in error.faults]) from None
    if found is None:
        refuse({"filter": ["An object is expected."]}, InvalidParameter)
    return found
