"""What each operation says beyond its first line: its permission, its path, its name."""

from __future__ import annotations

from collections import Counter

from oneo.access.permissions import P
from oneo.blueprints.openapi.operations import Document, Operation


def describe(operation: Operation) -> None:
    """Says in words which permission is needed, and what the parts of the path are."""
    if isinstance(operation.permission, P):
        needs = f"Needs the permission `{operation.permission.value}`: {operation.permission.about}"
        operation.body["description"] = "\n\n".join(filter(None, (operation.body.get("description"), needs)))


def describe_paths(document: Document) -> None:
    for item in document["paths"].values():
        for parameter in item.get("parameters", ()):
            thing = parameter["name"].removesuffix("_id").replace("_", " ")
            kind = "Id" if parameter["schema"].get("format") == "uuid" else "Id or slug"
            parameter.setdefault("description", f"{kind} of the {thing}.")


def name_methods(document: Document) -> None:
    """A view that serves several methods is one operation for each: all but its GET have the method in their name."""
    named = [
        (method, said)
        for item in document["paths"].values()
        for method, said in item.items()
        if isinstance(said, dict) and "operationId" in said
    ]
    count = Counter(said["operationId"] for _, said in named)
    for method, said in named:
        if count[said["operationId"]] > 1 and method != "get":
            said["operationId"] += f"_by_{method}"
