"""Walking the schemas of the document, and what is done to all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from oneo.blueprints.openapi.operations import Document

SECTIONS = ("schemas", "responses", "parameters", "headers")


def subschemas(schema: Document) -> Iterator[Document]:
    """The schema and every schema inside it; references are not followed."""
    yield schema
    inner = [*schema.get("properties", {}).values()]
    inner += [part for key in ("anyOf", "oneOf", "allOf") for part in schema.get(key, ())]
    inner += [schema[key] for key in ("items", "additionalProperties", "not") if isinstance(schema.get(key), dict)]
    for part in inner:
        yield from subschemas(part)


def operations_of(document: Document) -> Iterator[Document]:
    for item in document["paths"].values():
        yield from (said for said in item.values() if isinstance(said, dict))


def references(value: Any) -> Iterator[str]:
    """Every reference in a part of the document, as `section/name`."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].removeprefix("#/components/")
        for child in value.values():
            yield from references(child)
    elif isinstance(value, list):
        for child in value:
            yield from references(child)


def reachable(document: Document, *roots: Any) -> set[str]:
    """Components that the roots refer to, directly or through others, as `section/name`."""
    found: set[str] = set()
    waiting = [name for root in roots for name in references(root)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            section, _, key = name.partition("/")
            waiting += references(document["components"][section][key])
    return found


def drop_unused(document: Document) -> None:
    """The libraries declare components that nothing refers to."""
    used = reachable(document, document["paths"])
    for section in SECTIONS:
        components = document["components"].get(section, {})
        kept = {key: components[key] for key in sorted(components) if f"{section}/{key}" in used}
        document["components"][section] = kept


def order_responses(document: Document) -> None:
    for operation in operations_of(document):
        operation["responses"] = dict(sorted(operation["responses"].items()))


def open_answers(document: Document) -> None:
    """Answers may gain keys within a version; only what is sent to the server is closed."""
    sent = reachable(document, [operation.get("requestBody") for operation in operations_of(document)])
    for name, schema in document["components"]["schemas"].items():
        if f"schemas/{name}" not in sent:
            for part in subschemas(schema):
                if part.get("additionalProperties") is False:
                    del part["additionalProperties"]


def rename_examples(document: Document) -> None:
    """`example` of a schema becomes `examples`, as JSON Schema 2020-12 says it."""
    parameters = [parameter for operation in operations_of(document) for parameter in operation.get("parameters", ())]
    roots = [*document["components"]["schemas"].values(), *(p["schema"] for p in parameters if "schema" in p)]
    for root in roots:
        for part in subschemas(root):
            if "example" in part:
                part["examples"] = [part.pop("example")]
