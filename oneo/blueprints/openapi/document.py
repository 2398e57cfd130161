"""Building the document: the specification that the routes make, then each step over it, in order."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from apispec.ext.marshmallow.common import resolve_schema_cls
from flask import Flask
from marshmallow import Schema

from oneo.blueprints.openapi import examples, headers, problems, schemas, wording
from oneo.blueprints.openapi.operations import Document, Operation, operations
from oneo.blueprints.openapi.text import DESCRIPTION, SECURITY_SCHEMES

TITLE, VERSION, OPENAPI_VERSION = "Oneo CRM API", "1.0.0", "3.1.0"

Step = Callable[[Document], None]


def component_name(schema: type[Schema] | Schema | str) -> str:
    """Each shape has a name of its own: rows of a list, whose keys may be picked, are not the whole object."""
    cls: Any = resolve_schema_cls(schema)
    name: str = cls.__name__.removesuffix("Schema")
    return f"{name}Item" if getattr(schema, "partial", None) else name


def steps(app: Flask) -> list[Step]:
    """Functions that have the last word over the document; whoever embeds the application may add to them."""
    found: list[Step] = app.extensions.setdefault("oneo.openapi_steps", [])
    return found


def build(app: Flask, *further: Step) -> Document:
    """The generic document, which shows what any caller may be able to do, and what further steps make of it."""
    api = app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    document: Document = copy.deepcopy(api.spec.to_dict())
    _complete(document)
    for operation in list(operations(app, document)):
        for describe in _DESCRIPTIONS:
            describe(operation)
    for step in (*_STEPS, *further, *steps(app)):
        step(document)
    return document


def _complete(document: Document) -> None:
    """What is said once, for all operations."""
    document["info"] |= {
        "description": DESCRIPTION,
        "license": {"name": "MIT", "identifier": "MIT"},
    }
    document["servers"] = [{"url": "/", "description": "This server."}]
    document["security"] = [{name: []} for name in SECURITY_SCHEMES]
    document["components"] |= {
        "responses": problems.components(),
        "parameters": copy.deepcopy(headers.PARAMETERS),
        "headers": copy.deepcopy(headers.HEADERS),
        "securitySchemes": copy.deepcopy(SECURITY_SCHEMES),
    }


_DESCRIPTIONS: tuple[Callable[[Operation], None], ...] = (
    problems.describe, headers.describe, wording.describe,
)  # fmt: skip
_STEPS: tuple[Step, ...] = (
    wording.describe_paths,
    wording.name_methods,
    schemas.order_responses,
    schemas.drop_unused,
    schemas.rename_examples,
    schemas.open_answers,
    examples.describe,
)
