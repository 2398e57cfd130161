"""Documents that were read, measured and found valid, kept by their text."""

from __future__ import annotations

import threading
from collections import OrderedDict

from flask import current_app
from graphql import DocumentNode, GraphQLSyntaxError, parse, validate

from oneo.graphql import limits
from oneo.graphql.errors import DocumentInvalid, DocumentTooComplex, DocumentUnreadable
from oneo.graphql.schema import schema

MAX_ERRORS = 20
MAX_KEPT_CHARACTERS = 400_000
MAX_KEPT_LENGTH = 20_000


class Documents:
    """The least recently used go first. A tree takes some hundred times the memory of its text."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, DocumentNode] = OrderedDict()
        self._characters = 0
        self._lock = threading.Lock()

    def get(self, text: str) -> DocumentNode:
        """Raises DocumentUnreadable, DocumentTooComplex, DocumentInvalid."""
        with self._lock:
            known = self._kept.get(text)
            if known is not None:
                self._kept.move_to_end(text)
                return known
        document = _read(text)
        if len(text) <= MAX_KEPT_LENGTH:
            self._keep(text, document)
        return document

    def _keep(self, text: str, document: DocumentNode) -> None:
        with self._lock:
            if text not in self._kept:
                self._kept[text] = document
                self._characters += len(text)
            while self._characters > MAX_KEPT_CHARACTERS:
                self._characters -= len(self._kept.popitem(last=False)[0])


def documents() -> Documents:
    found: Documents = current_app.extensions["oneo.documents"]
    return found


def _read(text: str) -> DocumentNode:
    try:
        document = parse(
            text,
            max_lexical_tokens=limits.MAX_TOKENS,
            max_comments=limits.MAX_COMMENTS,
            max_source_length=limits.MAX_LENGTH,
        )
    except GraphQLSyntaxError as error:
        raise DocumentUnreadable([error]) from None
    excess = limits.excess(document)
    if excess is not None:
        raise DocumentTooComplex([excess])
    faults = validate(schema(), document, max_errors=MAX_ERRORS, hide_suggestions=True)
    if faults:
        raise DocumentInvalid(faults)
    return document
