"""The routes as the document sees them: an operation together with the view that performs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask_smorest.spec.plugins import FlaskPlugin

from oneo.access.permissions import PUBLIC, Access, P
from oneo.http.exchange import ETAG, IF_MATCH, Exchange, exchange_of
from oneo.http.idempotency import applies_to

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """`body` is the operation object, changed in place; `exchange` are the headers that its view declares."""

    path: str
    method: str
    body: Document
    permission: P | Access
    exchange: Exchange
    path_parameters: bool

    @property
    def is_public(self) -> bool:
        return self.permission is PUBLIC

    @property
    def is_write(self) -> bool:
        return self.method in {"post", "put", "patch", "delete"}

    @property
    def is_tagged(self) -> bool:
        """Whether its answers carry an ETag."""
        return ETAG in self.exchange.sends

    @property
    def takes_if_match(self) -> bool:
        return IF_MATCH in self.exchange.reads

    @property
    def takes_idempotency_key(self) -> bool:
        return not self.is_public and applies_to(self.method.upper(), self.path)


def operations(app: Flask, document: Document) -> Iterator[Operation]:
    """Each operation of the document with its view."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        item: Mapping[str, Any] = document["paths"].get(FlaskPlugin.flaskpath2openapi(rule.rule), {})
        for method in sorted(rule.methods or ()):
            body = item.get(method.lower())
            if body is not None and hasattr(view, "permission"):
                path = FlaskPlugin.flaskpath2openapi(rule.rule)
                yield Operation(
                    path, method.lower(), body, view.permission, exchange_of(view),
                    path_parameters=bool(rule.arguments),
                )  # fmt: skip
