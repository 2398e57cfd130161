"""What a message carries, and what its acknowledgement says: `{ok: true, ...}` or `{ok: false, error}`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from flask import current_app

from oneo import pacing
from oneo.config import Settings
from oneo.errors import DomainError, FaultList, InternalError, ValidationFailed

_log = logging.getLogger("oneo.realtime")


def members(arguments: tuple[object, ...], known: frozenset[str]) -> dict[str, Any]:
    """The one object that a message carries. Raises ValidationFailed."""
    faults = FaultList()
    if len(arguments) != 1 or not isinstance(arguments[0], dict):
        faults.add("", "INVALID_VALUE", "A message carries one object.")
        raise ValidationFailed(faults=faults.faults, left_out=faults.left_out)
    for name in arguments[0].keys() - known:
        faults.add(f"/{str(name)[:100]}", "UNKNOWN_FIELD", "Unknown field.")
    faults.check(ValidationFailed)
    return arguments[0]


def acknowledged(handler: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Answers `{ok: true, ...}` or `{ok: false, error}`: nothing that a client sends makes an exception."""

    def acknowledge(*arguments: object) -> dict[str, Any]:
        settings: Settings = current_app.extensions["oneo.settings"]
        pacing.start_budget(settings.request_cpu_ms / 1000 or None)
        try:
            return {"ok": True, **handler(*arguments)}
        except DomainError as error:
            return {"ok": False, "error": _spell(error)}
        except Exception:  # noqa: BLE001 - the client is told no more than this
            _log.exception("a message could not be handled")
            return {"ok": False, "error": _spell(InternalError())}

    return acknowledge


def _spell(error: DomainError) -> dict[str, Any]:
    spelled: dict[str, Any] = {"code": error.code, "message": error.detail, **error.extra}
    if error.faults:
        spelled["errors"] = [fault.as_dict() for fault in error.faults]
    return spelled
