"""Routes and shapes of the pipelines that one caller sees, added to the generic document."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from oneo.access.permissions import P
from oneo.blueprints.openapi.operations import Document
from oneo.blueprints.openapi.schemas import operations_of
from oneo.blueprints.openapi.typed_parameters import typed_parameters
from oneo.blueprints.openapi.typed_schemas import answered_example, components, record_name, sent_example
from oneo.blueprints.openapi.views import View

_LIST = "/api/v1/pipelines/{pipeline}/records/"
_ONE = "/api/v1/pipelines/{pipeline}/records/{record_id}/"


@dataclass(frozen=True, slots=True)
class _Verb:
    """An operation of the generic document, and what becomes of it for a pipeline of a slug."""

    path: str
    method: str
    permission: P
    name: str
    summary: str
    sent: str = ""
    answered: str = ""


_VERBS = (
    _Verb(_LIST, "get", P.RECORDS_READ, "list_{}_records", "List records of {}.", answered="Page"),
    _Verb(_LIST, "post", P.RECORDS_CREATE, "create_{}_record", "Add a record to {}.", sent="Create"),
    _Verb(_ONE, "get", P.RECORDS_READ, "get_{}_record", "Read a record of {}."),
    _Verb(_ONE, "patch", P.RECORDS_UPDATE, "update_{}_record", "Change a record of {}.", sent="Update"),
    _Verb(_ONE, "put", P.RECORDS_UPDATE, "replace_{}_record", "Replace a record of {}.", sent="Replace"),
    _Verb(_ONE, "delete", P.RECORDS_DELETE, "delete_{}_record", "Remove a record of {}."),
)


def add(document: Document, views: Iterable[View]) -> None:
    """Each pipeline has a tag; operations that the caller may not call are left out."""
    schemas, paths = document["components"]["schemas"], document["paths"]
    names = {said["operationId"] for said in operations_of(document)}
    made: Document = {}
    typed: Document = {}
    for view in views:
        made |= components(view, schemas)
        schema = f"#/components/schemas/{record_name(view, schemas)}"
        for verb in _VERBS:
            if verb.permission in view.allowed:
                path = verb.path.replace("{pipeline}", view.shape.slug)
                item = typed.setdefault(path, _item(paths[verb.path]))
                item[verb.method] = said = _operation(paths[verb.path][verb.method], verb, view, schema)
                if said["operationId"] in names:
                    said["operationId"] += "_by_slug"
        about = view.shape.description or f"Records of {_line(view.shape.name)}."
        document["tags"].append({"name": _tag(view), "description": about})
    document["paths"] = paths | typed
    document["components"]["schemas"] = schemas | dict(sorted(made.items()))


def _item(generic: Mapping[str, Any]) -> Document:
    """Parameters of the path but the pipeline, which stands in it."""
    kept = [copy.deepcopy(found) for found in generic["parameters"] if found["name"] != "pipeline"]
    return {"parameters": kept} if kept else {}


def _operation(generic: Mapping[str, Any], verb: _Verb, view: View, schema: str) -> Document:
    said: Document = copy.deepcopy(dict(generic))
    said["operationId"] = verb.name.format(view.shape.slug)
    said["summary"], said["tags"] = verb.summary.format(_line(view.shape.name)), [_tag(view)]
    if verb.answered:
        headers = [parameter for parameter in generic["parameters"] if "$ref" in parameter]
        said["parameters"] = [*typed_parameters(view), *headers]
    if verb.sent:
        _type_body(said["requestBody"]["content"]["application/json"], view, verb, schema)
    for status in ("200", "201"):
        for media in said["responses"].get(status, {}).get("content", {}).values():
            _type_answer(media, view, verb, schema)
    return said


def _type_body(media: Document, view: View, verb: _Verb, schema: str) -> None:
    media["schema"] = {"$ref": schema + verb.sent}
    example = sent_example(view.writable(verb.permission))
    if example is None:
        del media["example"]
    else:
        media["example"] = example


def _type_answer(media: Document, view: View, verb: _Verb, schema: str) -> None:
    media["schema"] = {"$ref": schema + verb.answered}
    example = media["example"]
    if verb.answered:
        media["example"] = {**example, "results": [answered_example(view, row) for row in example["results"]]}
    else:
        media["example"] = answered_example(view, example)


def _tag(view: View) -> str:
    """Two words, of which no slug is made and no other tag."""
    return f"{view.shape.slug} records"


def _line(name: str) -> str:
    return " ".join(name.split())
