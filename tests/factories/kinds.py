"""A pipeline with a field of every kind, and a record that fills them."""

from __future__ import annotations

from typing import Any

from tests.api import Api
from tests.factories.pipeline import pipeline

EVERY_KIND: list[dict[str, Any]] = [
    {"name": "Name", "field_type": "text", "is_required": True, "description": "What it is called."},
    {"name": "Code", "field_type": "text", "is_unique": True, "field_config": {"pattern": "[A-Z]{2}-[0-9]+"}},
    {"name": "Notes", "field_type": "textarea"},
    {"name": "Mail", "field_type": "email"},
    {"name": "Site", "field_type": "url"},
    {"name": "Phone", "field_type": "phone"},
    {"name": "Count", "field_type": "number", "field_config": {"integer": True, "min": 0, "default": 1}},
    {"name": "Weight", "field_type": "decimal", "field_config": {"min": "0.5"}},
    {"name": "Amount", "field_type": "currency", "field_config": {"currency": "EUR"}},
    {"name": "Share", "field_type": "percentage", "field_config": {"min": 0, "max": 100, "default": 12.5}},
    {"name": "Active", "field_type": "boolean", "field_config": {"default": False}},
    {"name": "Born", "field_type": "date"},
    {"name": "Seen", "field_type": "datetime"},
    {"name": "Stage", "field_type": "select", "is_required": True, "field_config": {"choices": [
        {"value": "open", "label": "Open", "color": "#3B82F6"}, "won"]}},
    {"name": "Tags", "field_type": "multiselect", "field_config": {"choices": ["hot", "cold, very"]}},
    {"name": "Owner", "field_type": "user"},
    {"name": "Extra", "field_type": "json"},
]  # fmt: skip
VALUES: dict[str, Any] = {
    "name": "One", "code": "AB-1", "notes": "Two\nlines", "mail": "ada@example.com", "site": "https://example.com/",
    "phone": "+442079460018", "count": 3, "weight": "1.25", "amount": 99.5, "share": 50, "active": True,
    "born": "2026-01-31", "seen": "2026-01-31T12:00:00.000000Z", "stage": "won", "tags": ["hot"],
    "extra": {"a": [1, None]},
}  # fmt: skip


def every_kind(api: Api, name: str = "Things", **more: Any) -> dict[str, Any]:
    return pipeline(api, name, EVERY_KIND, **more)
