"""Records against a model in memory, by steps in any order; in the end the log replays to what is there (threat 70)."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from oneo import exact_json
from oneo.actor import system_actor
from oneo.operations import slots
from tests.api import Api
from tests.factories.pipeline import pipeline
from tests.factories.tenant import TestTenant
from tests.operations.record_model import CONFIGS, alike, exact, matches, ordered
from tests.operations.test_record_lists import POOL, nodes, orders, read, written

Row = dict[str, Any]
FIELDS: list[dict[str, Any]] = [{"name": kind, "field_type": kind, "field_config": CONFIGS[kind]} for kind in POOL]
_numbers = itertools.count(1)

values = st.fixed_dictionaries({}, optional={
    **{kind: st.none() | st.sampled_from(pool) for kind, pool in POOL.items()},
    "code": st.none() | st.sampled_from(["1", "2", "3", "sha256:x", "x" * 300]),
})  # fmt: skip
bodies = st.fixed_dictionaries(
    {"data": values}, optional={"title": st.sampled_from(["", "T", "100%"]), "status": st.sampled_from(["active", "x"])}
)


class Records(RuleBasedStateMachine):
    """`model` is by id what the server should have: title, status, data, version, deleted."""

    tenant: TestTenant
    records = Bundle("records")

    @initialize()
    def start(self) -> None:
        self.api: Api = self.tenant.api
        self.slug = f"m{next(_numbers)}"
        unique = {"name": "Code", "field_type": "text", "field_config": {"max_length": 500}, "is_unique": True}
        pipeline(self.api, self.slug, [*FIELDS, unique])
        self.model: dict[str, Row] = {}
        self.seq = self.api.get("/admin/audit/?page_size=1").json["results"][0]["seq"]

    @property
    def path(self) -> str:
        return f"/pipelines/{self.slug}/records/"

    @rule(target=records, body=bodies)
    def create(self, body: dict[str, Any]) -> str:
        data = {key: value for key, value in body["data"].items() if value is not None}
        answer = self.api.post(self.path, body)
        if self.taken(data, None):
            assert answer.status_code == 409, answer.text
            return ""
        assert answer.status_code == 201, answer.text
        found = answer.json["id"]
        row = {"title": body.get("title", ""), "status": body.get("status", "active"), "data": data, "version": 1}
        self.model[found] = {**row, "deleted": False}
        self.shown(answer.text, found)
        return str(found)

    @rule(found=records, body=bodies, stale=st.sampled_from([None, 0, 1]), nested=st.booleans())
    def update(self, found: str, body: dict[str, Any], stale: int | None, *, nested: bool) -> None:
        row = self.model.get(found)
        data = {**(row or {"data": {}})["data"], **body["data"]}
        data = {key: value for key, value in data.items() if value is not None}
        self.write("PATCH", found, body, data, stale, nested=nested)

    @rule(found=records, body=bodies, stale=st.sampled_from([None, 0, 1]), nested=st.booleans())
    def replace(self, found: str, body: dict[str, Any], stale: int | None, *, nested: bool) -> None:
        data = {key: value for key, value in body["data"].items() if value is not None}
        whole = {"title": "", "status": "active", **body}
        self.write("PUT", found, body, data, stale, nested=nested, whole=whole)

    def write(
        self, method: str, found: str, body: dict[str, Any], data: dict[str, Any], stale: int | None, *,
        nested: bool, whole: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        row = self.model.get(found)
        headers = {} if stale is None else {"If-Match": f'"{(row or {"version": 1})["version"] - stale}"'}
        path = f"{self.path if nested else '/records/'}{found or 'nothing'}/"
        answer = self.api.request(method, path, json=body, headers=headers)
        if row is None or row["deleted"]:
            assert answer.status_code == 404, answer.text
            return
        if stale:
            assert answer.status_code == 412, answer.text
            return
        new = {**row, **{key: value for key, value in (whole or body).items() if key != "data"}, "data": data}
        if self.taken(data, found):
            assert answer.status_code == 409, answer.text
            return
        assert answer.status_code == 200, answer.text
        if any(not alike(new[key], row[key]) for key in ("title", "status", "data")):
            self.model[found] = {**new, "version": row["version"] + 1}
        self.shown(answer.text, found)

    @rule(found=records)
    def delete(self, found: str) -> None:
        answer = self.api.delete(f"/records/{found or 'nothing'}/")
        row = self.model.get(found)
        if row is None or row["deleted"]:
            assert answer.status_code == 404
            return
        assert answer.status_code == 204
        row["deleted"], row["version"] = True, row["version"] + 1

    @rule(found=records)
    def restore(self, found: str) -> None:
        answer = self.api.post(f"/records/{found or 'nothing'}/restore/")
        row = self.model.get(found)
        if row is None or not row["deleted"]:
            assert answer.status_code == 404
        elif self.taken(row["data"], found):
            assert answer.status_code == 409
        else:
            assert answer.status_code == 200
            row["deleted"], row["version"] = False, row["version"] + 1
            self.shown(answer.text, found)

    @rule(found=consumes(records))
    def purge(self, found: str) -> None:
        answer = self.api.delete(f"/records/{found or 'nothing'}/?purge=true")
        row = self.model.get(found)
        if row is None or not row["deleted"]:
            assert answer.status_code == 404
            return
        assert answer.status_code == 204
        del self.model[found]

    @rule(kind=st.sampled_from([kind for kind in sorted(POOL) if kind not in {"json", "multiselect"}]))
    def turn_index(self, kind: str) -> None:
        path = f"/pipelines/{self.slug}/fields/{kind}/"
        turned = {"is_indexed": not self.api.get(path).json["is_indexed"]}
        answer = self.api.patch(path, turned)
        if answer.status_code == 409:  # all that were given back have yet to be emptied
            assert answer.json["code"] == "NO_SLOT_LEFT"
            self.fill()
            answer = self.api.patch(path, turned)
        assert answer.status_code == 200, answer.text

    @rule()
    def fill(self) -> None:
        with self.tenant.app.app_context():
            actor = system_actor(self.tenant.id)
            for place, slot in slots.pending(actor):
                while slots.advance(actor, place, slot):
                    pass

    @precondition(lambda self: self.model)
    @rule(node=nodes, keys=orders, size=st.integers(1, 5), deleted=st.booleans())
    def list(self, node: Any, keys: list[tuple[str, bool]], size: int, *, deleted: bool) -> None:
        there: list[Row] = [{"id": found, "data": _exact(row["data"])}
                 for found, row in self.model.items() if row["deleted"] is deleted]  # fmt: skip
        wanted = read(node)
        expected = [row["id"] for row in ordered([row for row in there if matches(wanted, row["data"])], keys)]
        ordering = ",".join(f"{'-' if down else ''}data__{kind}" for kind, down in keys) or "id"
        sent = {"filter": exact_json.dumps(written(node)), "ordering": ordering, "page_size": size, "fields": "id"}
        path = f"{self.path}{'deleted/' if deleted else ''}?{urlencode(sent)}"
        page = self.api.get(path).json
        assert [row["id"] for row in page["results"]] == expected[:size]
        assert (page["count"], page["next"] is None) == (len(expected), len(expected) <= size)
        if page["next"]:
            second = self.api.get(page["next"][page["next"].index("/api/") :]).json
            assert [row["id"] for row in second["results"]] == expected[size : 2 * size]

    # Rules of the bulk routes belong here: they change `model` row by row as the single ones do.

    def teardown(self) -> None:
        if not hasattr(self, "model"):
            return
        events: dict[str, list[dict[str, Any]]] = {}
        for event in log(self.api, self.seq):
            events.setdefault(event["subject_id"], []).append(event)
        for found, row in self.model.items():
            state: dict[str, Any] = {}
            for version, event in enumerate(events[found], 1):
                assert event["version"] == version
                if state:
                    assert_former(state, event)
                state = event["data"]
            assert len(events[found]) == row["version"]
            assert alike(state["data"], _exact(row["data"]))
            assert (state["status"], state["deleted_at"] is not None) == (row["status"], row["deleted"])
            if not row["deleted"]:
                self.shown(self.api.get(f"/records/{found}/").text, found)

    def taken(self, data: dict[str, Any], own: str | None) -> bool:
        return any(
            not row["deleted"] and row["data"].get("code") == data["code"]
            for found, row in self.model.items()
            if found != own and "code" in data
        )

    def shown(self, text: str, found: str) -> None:
        """What the server answers is what the model has."""
        shown, row = exact(text), self.model[found]
        assert alike(shown["data"], _exact(row["data"])), (shown["data"], row["data"])
        assert (shown["status"], int(shown["version"])) == (row["status"], row["version"])
        assert shown["title"] == (row["title"] or f"{self.slug} {found[-8:]}")


def log(api: Api, after: int) -> list[dict[str, Any]]:
    """All events after a number, with exact numbers."""
    found: list[dict[str, Any]] = []
    while True:
        page = exact(api.get(f"/admin/audit/?seq__gt={after}&ordering=seq&page_size=1000&count=none").text)["results"]
        found += page
        if len(page) < 1000:
            return found
        after = int(page[-1]["seq"])


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


def _exact(data: dict[str, Any]) -> dict[str, Any]:
    """The data as the server shows them: numbers exact, decimals as numbers."""
    return {key: Decimal(value) if key == "decimal" else exact(exact_json.dumps(value)) for key, value in data.items()}


def run(tenant: TestTenant, examples: int, steps: int) -> None:
    machine = type("Machine", (Records,), {"tenant": tenant})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None,
            suppress_health_check=list(HealthCheck), phases=[Phase.generate], derandomize=True,
        ),
    )  # fmt: skip


def test_records_do_what_the_model_does(settled: TestTenant) -> None:
    run(settled, examples=5, steps=30)


@pytest.mark.prove
@pytest.mark.timeout(3600)
def test_records_do_what_the_model_does_for_thousands_of_steps(settled: TestTenant) -> None:
    run(settled, examples=150, steps=60)
