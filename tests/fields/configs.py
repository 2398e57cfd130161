"""A usual configuration of each kind."""

from __future__ import annotations

from typing import Any

CHOICES: list[Any] = ["new", {"value": "won", "label": "Won", "color": "#00AA00"}, "lost", "a,b"]
USUAL: dict[str, dict[str, Any]] = {
    "text": {}, "textarea": {}, "email": {}, "url": {}, "phone": {}, "number": {}, "decimal": {},
    "currency": {"currency": "EUR"}, "percentage": {}, "boolean": {}, "date": {}, "datetime": {},
    "select": {"choices": CHOICES}, "multiselect": {"choices": CHOICES}, "user": {}, "json": {},
}  # fmt: skip
