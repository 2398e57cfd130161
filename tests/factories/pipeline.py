"""Pipelines with fields and records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.api import Api

DEAL_FIELDS: list[dict[str, Any]] = [
    {"name": "Name", "field_type": "text", "is_required": True},
    {"name": "Amount", "field_type": "decimal"},
    {"name": "Stage", "field_type": "select", "field_config": {"choices": ["open", "won", "lost"]}},
    {"name": "Closes", "field_type": "date"},
    {"name": "Owner", "field_type": "user"},
    {"name": "Tags", "field_type": "multiselect", "field_config": {"choices": ["hot", "cold", "new"]}},
    {"name": "Code", "field_type": "text", "is_unique": True},
]


def pipeline(api: Api, name: str, fields: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    made = api.post("/pipelines/", {"name": name, "fields": fields, **more})
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json
    return found


def deals(api: Api, **more: Any) -> dict[str, Any]:
    """A pipeline with a field of most kinds, whose names are the titles."""
    return pipeline(api, "Deals", DEAL_FIELDS, **{"title_field": "name", **more})


def record(api: Api, pipeline_name: str, data: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    made = api.post(f"/pipelines/{pipeline_name}/records/", {"data": dict(data), **more})
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json
    return found
