"""Bulk writes in plain Python: which entries are written, and what is said against the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.operations.record_model import alike

Row = dict[str, Any]
NO_ID = "no id"
WRONG: dict[str, Any] = {"nothing": 1, "number": "much", "select": "z", "date": "2026-02-30", "code": 5}
"""Values that their fields refuse, or that have no field."""
SHAPES: dict[str, Any] = {"colour": "red", "title": 5, "status": "", "data": [1], "version": "1"}
"""What stands beside the data, and must not."""
WAYS = ("", *WRONG, *SHAPES, "general")
modes = st.sampled_from(["partial", "atomic", "dry_run"])


@dataclass
class Entry:
    """`faults` are the names that are complained of; `value` is one that is found only when there are no others."""

    sent: Any
    faults: set[str] = field(default_factory=set)
    value: str = ""
    id: str | None = None
    changes: bool = False

    @property
    def good(self) -> bool:
        return not self.faults

    @property
    def data(self) -> Row:
        found: Row = self.sent["data"]
        return found

    @property
    def code(self) -> Any:
        return self.data.get("code")


def spoilt(sent: Row, way: str) -> Entry:
    """An entry with one fault, or, for an empty word, with none."""
    if way == "general":
        return Entry("no object", {way})
    if way in SHAPES:
        return Entry({**sent, way: SHAPES[way]}, {way})
    if way in WRONG:
        return Entry({**sent, "data": {**sent["data"], way: WRONG[way]}}, value=way)
    return Entry(sent)


def drafts(bodies: st.SearchStrategy[Row]) -> st.SearchStrategy[list[tuple[Row, str, int, int | None]]]:
    """Bodies with what is wrong with them, which record they are meant for, and how stale the version is."""
    way = st.sampled_from([""] * 6 + [""] * len(WAYS) + list(WAYS))
    return st.lists(st.tuples(bodies, way, st.integers(0, 9), st.sampled_from([None, None, 0, 1])), max_size=6)


def name_by_id(model: dict[str, Row], entries: Sequence[Entry], erased: Sequence[str], *, may_be_new: bool) -> None:
    """Each id once. In an upsert an id that no record ever had makes a record; one of a removed or erased record is
    taken.
    """
    seen = set()

    def is_gone(found: str) -> bool:
        return found in erased or (found in model and model[found]["deleted"])

    for entry in entries:
        found = entry.sent.get("id") if isinstance(entry.sent, dict) else None
        if found is None and may_be_new:
            continue
        if found is None or found == NO_ID or found in seen or (may_be_new and is_gone(found)):
            if entry.value and not may_be_new:
                entry.faults.add(entry.value)  # of a change the values are checked whatever is wrong with the id
            entry.faults.add("id")
        else:
            entry.id = found
        entry.changes = not may_be_new or found in model
        seen.add(found)


def name_by_code(model: dict[str, Row], entries: Sequence[Entry]) -> None:
    holders = {row["data"].get("code"): found for found, row in model.items() if not row["deleted"]}
    for entry in entries:
        if isinstance(entry.sent, dict) and "id" in entry.sent:
            entry.faults.add("id")
        if not entry.good:
            continue
        if entry.code is None or entry.value == "code":
            entry.faults.add("code")
        elif entry.code in holders:
            entry.id, entry.changes = holders[entry.code], True


def check(model: dict[str, Row], entries: Sequence[Entry]) -> None:
    """Values first, then what is unique in the call, then what is to change, then what is unique among the records."""
    for entry in entries:
        if entry.good and entry.value:
            entry.faults.add(entry.value)
    codes = set()
    for entry in _good(entries):
        if entry.code is not None and entry.code in codes:
            entry.faults.add("code")
        codes.add(entry.code)
    for entry in _good(entries):
        if entry.changes:
            _check_there(model.get(entry.id or ""), entry)
    for entry in _good(entries):
        if taken(model, entry.data, entry.id):
            entry.faults.add("code")


def _check_there(row: Row | None, entry: Entry) -> None:
    if row is None or row["deleted"]:
        entry.faults.add("id")
    elif entry.sent.get("version", row["version"]) != row["version"]:
        entry.faults.add("version")


def _good(entries: Sequence[Entry]) -> Iterator[Entry]:
    return (entry for entry in entries if entry.good)


def taken(model: dict[str, Row], data: Row, own: str | None) -> bool:
    """Whether another record that is not deleted has the code."""
    return data.get("code") is not None and any(
        not row["deleted"] and row["data"].get("code") == data["code"] for found, row in model.items() if found != own
    )


def merged(row: Row | None, body: Row) -> Row:
    """The record after a body; its version rises if that makes it another one."""
    there: Row = row or {"title": "", "status": "active", "data": {}, "version": 0, "deleted": False}
    data = {key: value for key, value in {**there["data"], **body["data"]}.items() if value is not None}
    new: Row = {**there, **{key: body[key] for key in ("title", "status") if key in body}, "data": data}
    changed = row is None or any(not alike(new[key], row[key]) for key in ("title", "status", "data"))
    return {**new, "version": there["version"] + changed}


def refused(answer: Any) -> dict[int, set[str]]:
    """The faults of a call by the place of their entry, whether it went through in part or not at all."""
    found: dict[int, set[str]] = {}
    if answer.get("code") == "VALIDATION_FAILED":
        for fault in answer["errors"]:
            _, at, *names = fault["pointer"].split("/")
            found.setdefault(int(at), set()).add(names[-1] if names else "general")
        return found
    return {fault["index"]: set(fault["errors"]) for fault in answer["errors"]}
