"""Templates that come with Oneo: data, the same for every tenant. Their ids follow from their slugs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid5

import orjson

_SPACE = UUID("5f0a4f9e-3d0c-5c1b-9a55-6e1f0e0a7c42")
_GREY, _BLUE, _AMBER, _GREEN, _RED, _VIOLET = "#6B7280", "#3B82F6", "#F59E0B", "#10B981", "#EF4444", "#8B5CF6"
Field = dict[str, Any]


def _field(name: str, kind: str, **config: Any) -> Field:
    return {
        "slug": name.lower().replace(" ", "_"), "name": name, "description": "", "field_type": kind,
        "field_config": config, "is_required": False, "is_unique": False, "is_visible_in_list": True,
    }  # fmt: skip


def _title(name: str) -> Field:
    return {**_field(name, "text"), "is_required": True}


def _choice(name: str, *choices: tuple[str, str], kind: str = "select", default: str | None = None) -> Field:
    """Choices are labels and colours; the values are made of the labels."""
    offered = [{"value": label.lower().replace(" ", "_"), "label": label, "color": color} for label, color in choices]
    return _field(name, kind, choices=offered, **({"default": default} if default else {}))


def _aside(field: Field) -> Field:
    """Not in lists."""
    return {**field, "is_visible_in_list": False}


def _template(slug: str, name: str, about: str, icon: str, color: str, fields: Sequence[Field]) -> dict[str, Any]:
    """The first field is the title."""
    pattern = {
        "description": about, "pipeline_type": slug, "icon": icon, "color": color, "settings": {},
        "title_field": fields[0]["slug"], "fields": list(fields),
    }  # fmt: skip
    return {"id": str(uuid5(_SPACE, slug)), "slug": slug, "name": name, "description": about, "pattern": pattern}


_PRIORITY = _choice("Priority", ("Low", _GREY), ("Normal", _BLUE), ("High", _AMBER), ("Urgent", _RED), default="normal")

SHIPPED: Sequence[dict[str, Any]] = (
    _template("sales_deals", "Sales deals", "Opportunities on their way to being won.", "trending-up", _GREEN, [
        _title("Name"),
        _field("Amount", "currency"),
        _choice("Stage", ("Lead", _GREY), ("Qualified", _BLUE), ("Proposal", _VIOLET), ("Negotiation", _AMBER),
                ("Won", _GREEN), ("Lost", _RED), default="lead"),
        _field("Probability", "percentage", min=0, max=100),
        _field("Expected close", "date"),
        _field("Owner", "user"),
        _choice("Source", ("Website", _BLUE), ("Referral", _GREEN), ("Event", _VIOLET), ("Outbound", _AMBER)),
        _aside(_field("Next step", "text")),
        _aside(_field("Lost reason", "textarea")),
    ]),
    _template("contacts", "Contacts", "People, and how to reach them.", "user", _BLUE, [
        _title("Name"),
        _field("Email", "email"),
        _field("Phone", "phone"),
        _field("Job title", "text"),
        _field("Company", "text"),
        _choice("Lifecycle", ("Subscriber", _GREY), ("Lead", _BLUE), ("Customer", _GREEN), ("Former customer", _AMBER)),
        _field("Owner", "user"),
        _aside(_field("Website", "url")),
        _field("May be contacted", "boolean", default=False),
        _aside(_field("Notes", "textarea")),
    ]),
    _template("companies", "Companies", "Organisations that one does business with.", "building", _VIOLET, [
        _title("Name"),
        _field("Website", "url"),
        _choice("Industry", ("Software", _BLUE), ("Manufacturing", _AMBER), ("Retail", _GREEN), ("Finance", _VIOLET),
                ("Health", _RED), ("Public sector", _GREY), ("Other", _GREY)),
        _field("Employees", "number", integer=True, min=0),
        _field("Annual revenue", "currency"),
        _field("Phone", "phone"),
        _field("City", "text"),
        _field("Country", "text"),
        _field("Owner", "user"),
        _aside(_field("Notes", "textarea")),
    ]),
    _template("tickets", "Tickets", "What customers ask for help with.", "life-buoy", _AMBER, [
        _title("Subject"),
        _aside(_field("Details", "textarea")),
        _choice("State", ("New", _BLUE), ("Open", _AMBER), ("Waiting", _VIOLET), ("Solved", _GREEN), ("Closed", _GREY),
                default="new"),
        _PRIORITY,
        _choice("Channel", ("Email", _BLUE), ("Phone", _GREEN), ("Chat", _VIOLET), ("Web", _GREY)),
        _field("Requester", "email"),
        _field("Assignee", "user"),
        _field("Due", "datetime"),
        _choice("Topics", ("Bug", _RED), ("Question", _BLUE), ("Billing", _AMBER), ("Request", _GREEN),
                kind="multiselect"),
    ]),
    _template("projects", "Projects", "Work with a beginning, an end and a budget.", "folder", _GREEN, [
        _title("Name"),
        _choice("Phase", ("Planned", _GREY), ("Active", _BLUE), ("On hold", _AMBER), ("Done", _GREEN),
                ("Cancelled", _RED), default="planned"),
        _PRIORITY,
        _field("Lead", "user"),
        _field("Start", "date"),
        _field("End", "date"),
        _field("Budget", "currency"),
        _field("Progress", "percentage", min=0, max=100, default=0),
        _aside(_field("Goal", "textarea")),
    ]),
    _template("candidates", "Candidates", "People who apply for a job.", "users", _RED, [
        _title("Name"),
        _field("Email", "email"),
        _field("Phone", "phone"),
        _field("Position", "text"),
        _choice("Stage", ("Applied", _GREY), ("Screening", _BLUE), ("Interview", _VIOLET), ("Offer", _AMBER),
                ("Hired", _GREEN), ("Rejected", _RED), default="applied"),
        _field("Recruiter", "user"),
        _field("Applied on", "date"),
        _field("Rating", "number", integer=True, min=1, max=5),
        _aside(_field("Salary expectation", "currency")),
        _aside(_field("Profile", "url")),
    ]),
)  # fmt: skip
SLUGS = frozenset(template["slug"] for template in SHIPPED)
IDS = frozenset(UUID(template["id"]) for template in SHIPPED)
AS_JSON = orjson.dumps(SHIPPED).decode()
