"""Addresses answer with and without a slash at the end, for every method, and never by a redirect."""

from __future__ import annotations

from flask import Flask, Request
from werkzeug.routing import BaseConverter, MapAdapter

from oneo.fields.slugs import ROUTE_WORDS


class NameConverter(BaseConverter):
    """The id or slug of a thing, which is never one of the words that addresses are made of."""

    regex = rf"(?!(?:{'|'.join(sorted(ROUTE_WORDS))})(?:/|$))[^/]+"


class Application(Flask):
    """Matches as if the slash were there: without it, the methods of a rule that has one would not be known."""

    def __init__(self) -> None:
        super().__init__("oneo", static_folder=None)
        self.url_map.converters["name"] = NameConverter
        self.url_map.strict_slashes = False
        self.url_map.merge_slashes = False

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        adapter = super().create_url_adapter(request)
        if request is not None and adapter is not None:
            path = adapter.path_info
            # Of two slashes at the end the matcher would forgive the second; of three it forgives none.
            if not path.endswith("/") or path.endswith("//"):
                adapter.path_info += "/"
        return adapter
