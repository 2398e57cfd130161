"""What happened, told again from the beginning: the log and the history lead to what is there."""

from __future__ import annotations

from typing import Any

from tests.api import Api
from tests.operations.record_model import alike, exact


def log(api: Api, after: int) -> list[dict[str, Any]]:
    """All events after a number, with exact numbers."""
    found: list[dict[str, Any]] = []
    while True:
        page = exact(api.get(f"/admin/audit/?seq__gt={after}&ordering=seq&page_size=1000&count=none").text)["results"]
        found += page
        if len(page) < 1000:
            return found
        after = int(page[-1]["seq"])


def last_seq(api: Api) -> int:
    found: int = api.get("/admin/audit/?page_size=1").json["results"][0]["seq"]
    return found


def replay(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The last state that the events of a record tell: each follows from the one before, none is missing."""
    state: dict[str, Any] = {}
    for version, event in enumerate(events, 1):
        assert event["version"] == version
        if state:
            assert_former(state, event)
        state = event["data"]
    return state


def assert_former(before: dict[str, Any], event: dict[str, Any]) -> None:
    """`old` has what the changed fields were."""
    for name in event["changed_fields"]:
        slug = name.removeprefix("data.")
        if slug == name:
            if name != "title":
                assert event["old"][name] == before[name]
        else:
            assert alike(event["old"]["data"][slug], before["data"].get(slug))
            assert not alike(event["data"]["data"].get(slug), before["data"].get(slug))
    changed = {name.removeprefix("data.") for name in event["changed_fields"]}
    assert alike(
        {key: value for key, value in event["data"]["data"].items() if key not in changed},
        {key: value for key, value in before["data"].items() if key not in changed},
    )


def replayed_history(api: Api, record_id: str) -> dict[str, Any]:
    """Title, status, data, version and `deleted` as the changes in a record's history add up, with exact numbers."""
    answer = api.get(f"/records/{record_id}/history/?ordering=seq&page_size=1000")
    assert answer.status_code == 200, answer.text
    state: dict[str, Any] = {}
    version = 0
    for event in exact(answer.text)["results"]:
        version += 1
        assert event["version"] == version
        for change in event["changes"]:
            name, old, new = change["field"], change["old"], change["new"]
            assert alike(old, state.get(name, "" if name == "title" and version > 1 else None)), (name, old, state)
            state[name] = new
    data = {name.removeprefix("data."): value for name, value in state.items() if name.startswith("data.")}
    return {
        "title": state.get("title") or "",
        "status": state["status"],
        "data": {slug: value for slug, value in data.items() if value is not None},
        "version": version,
        "deleted": state.get("deleted_at") is not None,
    }
