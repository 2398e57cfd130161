"""The Idempotency-Key header: a repeated write gets the first answer again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

from flask import Response, current_app, request

from oneo.actor import Actor
from oneo.errors import MalformedRequest
from oneo.operations.idempotency import perform_once
from oneo.store.idempotency import Kept

_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_EXEMPT = "/api/v1/auth/"
_KEPT_HEADERS = ("Content-Type", "Location", "ETag", "Preference-Applied")
_QUOTED = re.compile(r'"([\x20-\x21\x23-\x5b\x5d-\x7e]{1,255})"')
_PLAIN = re.compile(r"[\x21-\x2b\x2d-\x7e]{1,255}")


def applies_to(method: str, path: str) -> bool:
    """Whether the header counts there."""
    return method in _METHODS and not path.startswith(_EXEMPT)


def once(actor: Actor, work: Callable[[], Any]) -> Any:
    """Runs the view, or replays what it answered. Logins and answers that show a secret are never kept."""
    header = request.headers.get("Idempotency-Key")
    if header is None or not applies_to(request.method, request.path):
        return work()

    def perform() -> Kept:
        response: Response = current_app.make_response(work())
        headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        return Kept(_fingerprint(), response.status_code, headers, response.get_data())

    kept, replayed = perform_once(actor, _key(header), _fingerprint(), perform)
    response = Response(kept.body, kept.status)
    response.headers.pop("Content-Type")
    response.headers.update(kept.headers)
    response.headers["Idempotency-Replayed"] = "true" if replayed else "false"
    return response


def _key(header: str) -> str:
    text = header.strip()
    quoted = _QUOTED.fullmatch(text)
    if quoted:
        return quoted[1]
    if _PLAIN.fullmatch(text) and '"' not in text:
        return text
    raise MalformedRequest("Idempotency-Key must be a text of 1 to 255 visible characters.")


def _fingerprint() -> str:
    body = request.get_data(cache=True)
    return hashlib.sha256(b"\0".join((request.method.encode(), request.full_path.encode(), body))).hexdigest()
