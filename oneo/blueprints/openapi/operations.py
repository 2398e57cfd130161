"""The routes as the document sees them: an operation together with the view that performs it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import CodeType
from typing import Any

from flask import Flask
from flask_smorest.spec.plugins import FlaskPlugin

from oneo.access.permissions import PUBLIC, Access, P
from oneo.http.idempotency import applies_to

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """`body` is the operation object, changed in place; `words` are the names that the view's code uses."""

    path: str
    method: str
    body: Document
    permission: P | Access
    words: frozenset[str]
    path_parameters: bool

    @property
    def is_public(self) -> bool:
        return self.permission is PUBLIC

    @property
    def is_write(self) -> bool:
        return self.method in {"post", "put", "patch", "delete"}

    @property
    def is_list(self) -> bool:
        return "answer_list" in self.words

    @property
    def is_tagged(self) -> bool:
        """Whether its answers carry an ETag."""
        return "version" in self.words or (self.is_list and "tagged" not in self.words)

    @property
    def takes_if_none_match(self) -> bool:
        return self.is_tagged and self.method == "get" and "own" not in self.words

    @property
    def takes_if_match(self) -> bool:
        return "if_match" in self.words

    @property
    def takes_idempotency_key(self) -> bool:
        return not self.is_public and applies_to(self.method.upper(), self.path)

    @property
    def takes_prefer(self) -> bool:
        return "version" in self.words and self.method in {"post", "put", "patch"}


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
                    path, method.lower(), body, view.permission, _words(inspect.unwrap(view).__code__),
                    path_parameters=bool(rule.arguments),
                )  # fmt: skip


def _words(code: CodeType) -> frozenset[str]:
    """Functions it calls and keywords it passes: so the document cannot promise what the view does not do."""
    keywords = (name for constant in code.co_consts if isinstance(constant, tuple) for name in constant)
    return frozenset(code.co_names) | frozenset(name for name in keywords if isinstance(name, str))
