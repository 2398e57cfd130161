"""Every write that addresses one versioned object honours If-Match: another version is 412 and nothing changes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask

from tests.api import Api, assert_problem
from tests.architecture.walk import routes
from tests.factories.pipeline import pipeline, record
from tests.factories.relationship import link
from tests.factories.tenant import TestTenant

WRONG = '"9999"'
RECORD_ROUTES = ("/records/{record_id}/", "/pipelines/{pipeline}/records/{record_id}/")
BODIES: dict[str, dict[str, Any]] = {
    "/auth/user/profile/": {"name": "Changed"},
    "/tenants/settings/": {"locale": "de"},
    "/users/{user_id}/": {"name": "Changed"},
    "/users/types/{user_type}/": {"name": "Changed"},
    "/pipelines/{pipeline}/": {"name": "Changed", "slug": "notes"},
    "/pipelines/{pipeline}/fields/{field}/": {"name": "Changed"},
    **{path: {"status": "changed"} for path in RECORD_ROUTES},
    "/records/{record_id}/comments/{comment_id}/": {"body": "Changed"},
    "/relationships/types/{relationship_type}/": {"name": "Changed", "slug": "near"},
    "/relationships/types/{relationship_type}/constraints/{constraint_id}/": {"max_instances": 7},
    "/relationships/types/{relationship_type}/fields/{type_field}/": {"name": "Changed"},
    "/relationships/{relationship_id}/": {"strength": 0.5},
}
"""A valid change for each address that takes PATCH or PUT."""
WITHOUT_VERSION = {
    "DELETE /auth/sessions/", "DELETE /auth/sessions/{session_id}/", "DELETE /auth/api-keys/{key_id}/",
    "DELETE /pipelines/templates/{template}/", "PATCH /relationships/bulk_update/",
    "PATCH /pipelines/{pipeline}/records/bulk_update/",
}  # fmt: skip
"""Objects that carry no version, and routes that address many objects."""
GONE = re.compile(r"/restore/|\?purge=true")
"""Addresses of objects that have been removed."""


def _cases() -> list[tuple[str, str]]:
    changes = [("PATCH", path) for path in BODIES]
    whole = ("/pipelines/{pipeline}/", "/relationships/types/{relationship_type}/", "/relationships/{relationship_id}/")
    changes += [("PUT", path) for path in (*whole, *RECORD_ROUTES)]
    single = [path for path in BODIES if "{" in path]
    removals = [("DELETE", path) for path in single]
    removals += [("DELETE", path + "?purge=true") for path in (*RECORD_ROUTES, "/relationships/{relationship_id}/")]
    never_restored = ("{user_type}/", "{comment_id}/", "{constraint_id}/")
    restores = [("POST", path + "restore/") for path in single if not path.endswith(never_restored)]
    actions = [("POST", "/relationships/{relationship_id}/" + name) for name in ("activate/", "deactivate/")]
    return [*changes, *removals, *restores, *actions]


CASES = _cases()


@pytest.fixture(scope="module")
def objects(settled: TestTenant) -> dict[str, dict[str, str]]:
    """One object of each kind under "kept", and one that has been removed under "gone", by route parameter."""
    api = settled.api
    places = [pipeline(api, name, [{"name": "Text", "field_type": "text"}]) for name in ("Notes", "Lost")]
    settled.role("role", [])
    kept = {"pipeline": "notes", "field": "text", "user_id": str(settled.user().id), "user_type": "role"}
    gone = {"pipeline": places[1]["id"], "user_id": str(settled.user().id)}
    records = [record(api, "notes", {"text": str(number)})["id"] for number in range(4)]
    kept["record_id"] = records[0]
    kept["comment_id"] = api.post(f"/records/{records[0]}/comments/", {"body": "Hello"}).json["id"]
    kept |= _relationships(api, records)
    types = api.post("/relationships/types/", {"name": "Far", "slug": "far"})
    gone |= {"relationship_type": types.json["id"], "record_id": records[3]}
    gone["relationship_id"] = link(api, "near", records[1], records[2])["id"]
    gone["field"] = _removed_field(api, "/pipelines/notes/fields/", f"/records/{records[0]}/")
    gone["type_field"] = _removed_field(
        api, "/relationships/types/near/fields/", f"/relationships/{kept['relationship_id']}/"
    )
    for path in ("/pipelines/{pipeline}/", "/users/{user_id}/", "/relationships/types/{relationship_type}/",
                 "/relationships/{relationship_id}/", "/records/{record_id}/"):  # fmt: skip
        assert api.delete(path.format(**gone)).status_code == 204, path
    return {"kept": kept, "gone": gone}


def _relationships(api: Api, records: list[str]) -> dict[str, str]:
    made = api.post("/relationships/types/", {"name": "Near", "slug": "near"})
    assert made.status_code == 201, made.text
    constraint = api.post(
        "/relationships/types/near/constraints/", {"constraint_type": "CARDINALITY", "max_instances": 9}
    )
    assert constraint.status_code == 201, constraint.text
    field = api.post("/relationships/types/near/fields/", {"name": "Since", "field_type": "text"})
    assert field.status_code == 201, field.text
    return {
        "relationship_type": "near", "constraint_id": constraint.json["id"], "type_field": "since",
        "relationship_id": link(api, "near", records[0], records[1])["id"],
    }  # fmt: skip


def _removed_field(api: Api, fields: str, holder: str) -> str:
    """A field that was removed while an object had a value of it, so that it can be restored."""
    field = api.post(fields, {"name": "Old", "field_type": "text"})
    assert field.status_code == 201, field.text
    assert api.patch(holder, {"data": {"old": "value"}}).status_code == 200
    assert api.delete(f"{fields}old/?force=true").status_code == 204
    found: str = field.json["id"]
    return found


def _path(objects: dict[str, dict[str, str]], case: str) -> str:
    """The address; in one of a removed object only the last parameter names what has been removed."""
    chosen = dict(objects["kept"])
    names = re.findall(r"\{(\w+)\}", case)
    if GONE.search(case) and names:
        chosen[names[-1]] = objects["gone"][names[-1]]
    return case.format(**chosen)


@pytest.mark.parametrize(("method", "case"), CASES, ids=str)
def test_a_wrong_version_is_refused_and_changes_nothing(
    settled: TestTenant, objects: dict[str, dict[str, str]], method: str, case: str
) -> None:
    before = settled.api.events()
    body = BODIES[case] if method in {"PATCH", "PUT"} else None
    refused = settled.api.request(method, _path(objects, case), json=body, headers={"If-Match": WRONG})
    problem = assert_problem(refused, 412, "VERSION_MISMATCH")
    assert problem["version"] >= 1
    assert settled.api.events() == before


def test_every_route_that_writes_one_object_is_among_the_cases(app: Flask) -> None:
    tested = {f"{method} {case.partition('?')[0]}" for method, case in CASES}
    found = set()
    for route in routes(app):
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.rule.rule.removeprefix("/api/v1"))
        acts = route.method == "POST" and path.endswith(("restore/", "activate/"))
        if acts or route.method in {"PATCH", "PUT", "DELETE"}:
            found.add(f"{route.method} {path}")
    assert found - WITHOUT_VERSION == tested


@pytest.mark.parametrize("path", ["/records/{record_id}/", "/relationships/{relationship_id}/"])
def test_the_present_version_may_be_purged(api: Api, path: str) -> None:
    pipeline(api, "Notes", [{"name": "Text", "field_type": "text"}])
    api.post("/relationships/types/", {"name": "Near", "slug": "near"})
    source, target = (record(api, "notes", {"text": text})["id"] for text in "ab")
    made = link(api, "near", source, target)
    address = path.format(record_id=source, relationship_id=made["id"])
    assert api.delete(address).status_code == 204
    problem = assert_problem(api.delete(address + "?purge=true", headers={"If-Match": WRONG}), 412, "VERSION_MISMATCH")
    present = {"If-Match": f'"{problem["version"]}"'}
    assert api.delete(address + "?purge=true", headers=present).status_code == 204
    assert api.delete(address + "?purge=true", headers=present).status_code == 404
