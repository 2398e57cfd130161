"""Conditions and preferences of a request: ETag, If-Match, If-None-Match, Prefer."""

from __future__ import annotations

import re

from flask import Response

from oneo.errors import MalformedRequest
from oneo.http.exchange import ETAG, IF_MATCH, IF_NONE_MATCH, PREFER, reading, sending

_ETAGS = re.compile(r'\s*(?:\*|(?:W/)?"[^"\x00-\x1f]*"(?:\s*,\s*(?:W/)?"[^"\x00-\x1f]*")*)\s*')
_STRONG_VERSION = re.compile(r'(?<!W/)"(\d{1,18})"')


def version_etag(version: int) -> str:
    return f'"{version}"'


def if_match() -> frozenset[int] | None:
    """The versions that the caller is willing to change; None is any. Raises MalformedRequest."""
    header = reading(IF_MATCH)
    if header is None:
        return None
    if not _ETAGS.fullmatch(header):
        raise MalformedRequest("If-Match must hold entity tags.")
    if header.strip() == "*":
        return None
    return frozenset(int(version) for version in _STRONG_VERSION.findall(header))


def none_match(etag: str) -> bool:
    """Whether the caller has this representation already. Raises MalformedRequest."""
    header = reading(IF_NONE_MATCH)
    if header is None:
        return False
    if not _ETAGS.fullmatch(header):
        raise MalformedRequest("If-None-Match must hold entity tags.")
    plain = etag.removeprefix("W/")
    return header.strip() == "*" or plain in re.findall(r'"[^"]*"', header)


def known_tags(pattern: re.Pattern[str]) -> list[str]:
    """What the pattern's group finds in the tags that the caller has. Raises MalformedRequest."""
    header = reading(IF_NONE_MATCH)
    if header is None:
        return []
    if not _ETAGS.fullmatch(header):
        raise MalformedRequest("If-None-Match must hold entity tags.")
    return pattern.findall(header)[:10]


def not_modified(etag: str) -> Response:
    response = Response(status=304)
    sending(response, ETAG, etag)
    del response.headers["Content-Type"]
    return response


def prefers_minimal() -> bool:
    """Whether the caller does not want the changed object back."""
    preferences = reading(PREFER) or ""
    return "return=minimal" in {part.strip().lower() for part in re.split("[,;]", preferences)}
