"""Records against a model in memory, by steps in any order; in the end the log replays to what is there (threat 70)."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    multiple,
    precondition,
    rule,
)

from oneo import exact_json
from oneo.actor import system_actor
from oneo.operations import slots
from tests.api import Api, Reply
from tests.factories.pipeline import pipeline
from tests.factories.tenant import TestTenant
from tests.operations import bulk_model
from tests.operations.bulk_model import NO_ID, Entry, drafts, merged, modes, refused, spoilt, taken
from tests.operations.machine import run
from tests.operations.record_model import CONFIGS, alike, exact, matches, ordered
from tests.operations.replay import last_seq, log, replay, replayed_history
from tests.operations.test_record_lists import POOL, nodes, orders, read, written

Row = dict[str, Any]
Draft = tuple[Row, str, int, int | None]
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
        self.erased: list[str] = []
        self.seq = last_seq(self.api)

    @property
    def path(self) -> str:
        return f"/pipelines/{self.slug}/records/"

    @rule(target=records, body=bodies)
    def create(self, body: dict[str, Any]) -> str:
        data = {key: value for key, value in body["data"].items() if value is not None}
        answer = self.api.post(self.path, body)
        if taken(self.model, data, None):
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
        if taken(self.model, data, found):
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
        elif taken(self.model, row["data"], found):
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
            assert answer.status_code == (404 if row is None else 409)
            return
        assert answer.status_code == 204
        del self.model[found]
        self.erased.append(found)

    @rule(kind=st.sampled_from([kind for kind in sorted(POOL) if kind not in {"json", "multiselect"}]))
    def turn_index(self, kind: str) -> None:
        path = f"/pipelines/{self.slug}/fields/{kind}/"
        shown = self.api.get(path)
        assert shown.status_code == 200, shown.text
        turned = {"is_indexed": not shown.json["is_indexed"]}
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
    def look(self, node: Any, keys: list[tuple[str, bool]], size: int, *, deleted: bool) -> None:
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

    @rule(target=records, drafts=drafts(bodies), mode=modes)
    def bulk_create(self, drafts: list[Draft], mode: str) -> Any:
        entries = [spoilt(body, way) for body, way, _, _ in drafts]
        bulk_model.check(self.model, entries)
        return self.send("create", mode, entries)

    @rule(drafts=drafts(bodies), mode=modes)
    def bulk_update(self, drafts: list[Draft], mode: str) -> None:
        entries = [self.aimed(*draft) for draft in drafts]
        bulk_model.name_by_id(self.model, entries, self.erased, may_be_new=False)
        bulk_model.check(self.model, entries)
        self.send("update", mode, entries)

    @rule(target=records, drafts=drafts(bodies), mode=modes, ids=st.lists(st.booleans(), min_size=6, max_size=6))
    def bulk_upsert(self, drafts: list[Draft], mode: str, ids: list[bool]) -> Any:
        entries = [
            self.aimed(*draft) if by_id else spoilt(draft[0], draft[1])
            for draft, by_id in zip(drafts, ids, strict=False)
        ]
        bulk_model.name_by_id(self.model, entries, self.erased, may_be_new=True)
        bulk_model.check(self.model, entries)
        return self.send("upsert", mode, entries)

    @rule(target=records, drafts=drafts(bodies), mode=modes)
    def bulk_upsert_by_code(self, drafts: list[Draft], mode: str) -> Any:
        entries = [self.aimed(*draft) if draft[2] == 9 else self.versioned(*draft) for draft in drafts]
        bulk_model.name_by_code(self.model, entries)
        bulk_model.check(self.model, entries)
        return self.send("upsert", mode, entries, "&on=code")

    def aimed(self, body: Row, way: str, pick: int, stale: int | None) -> Entry:
        """An entry for one of the latest records, for one that was erased, for a new one, or for what is no id."""
        fresh = str(UUID(int=next(_numbers)))
        choice = [*list(self.model)[-7:], *self.erased[-1:], fresh, NO_ID]
        sent = {**body, "id": choice[pick % len(choice)]}
        if stale is not None:
            sent["version"] = self.model.get(sent["id"], {"version": 1})["version"] - stale
        return spoilt(sent, way)

    def versioned(self, body: Row, way: str, _pick: int, stale: int | None) -> Entry:
        holders = [row for row in self.model.values() if taken({"": row}, body["data"], None)]
        return spoilt(
            {**body, "version": holders[0]["version"] - stale} if holders and stale is not None else body, way
        )

    def send(self, what: str, mode: str, entries: list[Entry], more: str = "") -> Any:
        """The good entries are written if they may be, the others are named; ids of what was made."""
        before = last_seq(self.api)
        answer = self.api.post(f"{self.path}bulk_{what}/?mode={mode}{more}", [entry.sent for entry in entries])
        faults = {at: entry.faults for at, entry in enumerate(entries) if entry.faults}
        assert refused(answer.json) == faults, answer.text
        good = [entry for entry in entries if entry.good]
        written = [] if mode == "dry_run" or (mode == "atomic" and faults) else good
        name = f"{what}d" if what != "upsert" else "upserted"
        if mode == "atomic" and faults:
            assert answer.status_code == 422, answer.text
        else:
            status = 400 if not good and (faults or what == "create") else 201 if written and what == "create" else 200
            assert answer.status_code == status, answer.text
            counts = [answer.json[key] for key in (f"{name}_count", "error_count", "valid_count")]
            assert counts == [len(written), len(faults), len(good)], answer.text
        made, changed = [], 0
        shown = exact(answer.text).get(name, [])
        for entry, document in zip(written, shown, strict=True):
            found = document["id"]
            assert entry.id in {None, found}
            made += [] if entry.changes else [found]
            new = merged(self.model.get(found), entry.sent)
            changed += new["version"] != self.model.get(found, {}).get("version")
            self.model[found] = new
            self.assert_shown(document, found)
        assert len([event for event in log(self.api, before) if event["type"].startswith("record.")]) == changed
        return multiple(*made)

    @rule(picks=st.lists(st.integers(0, 9), max_size=5), mode=modes)
    def bulk_delete(self, picks: list[int], mode: str) -> None:
        ids = [entry.sent["id"] for entry in (self.aimed({}, "", pick, None) for pick in picks)]
        ids = [found for found in ids if found != NO_ID]
        alive = [found for found in dict.fromkeys(ids) if not self.model.get(found, {"deleted": True})["deleted"]]
        failed = [at for at, found in enumerate(ids) if found not in alive or found in ids[:at]]
        answer = self.api.post(f"{self.path}bulk_delete/?mode={mode}", {"ids": ids})
        if mode == "atomic" and failed:
            assert answer.status_code == 422, answer.text
            assert [fault["pointer"] for fault in answer.json["errors"]] == [f"/ids/{at}" for at in failed]
            return
        assert [fault["index"] for fault in answer.json["errors"]] == failed
        self.gone(answer, alive, mode, status=400 if failed and not alive else 200)

    @rule(node=nodes, most=st.integers(0, 12), mode=modes)
    def bulk_delete_by_filter(self, node: Any, most: int, mode: str) -> None:
        wanted = read(node)
        found = [key for key, row in self.model.items() if not row["deleted"] and matches(wanted, _exact(row["data"]))]
        body = {"filter": written(node), "max_affected": most}
        answer = self.api.post(f"{self.path}bulk_delete/?mode={mode}", body)
        if len(found) > most:
            assert (answer.status_code, answer.json["code"]) == (409, "TOO_MANY_AFFECTED")
            return
        self.gone(answer, found, mode)

    def gone(self, answer: Reply, ids: list[str], mode: str, *, status: int = 200) -> None:
        assert answer.status_code == status, answer.text
        removed = ids if mode != "dry_run" else []
        assert (answer.json["deleted_count"], answer.json["valid_count"]) == (len(removed), len(ids))
        for found in removed:
            row = self.model[found]
            row["deleted"], row["version"] = True, row["version"] + 1

    @precondition(lambda self: self.model)
    @rule(pick=st.integers(0, 99))
    def history(self, pick: int) -> None:
        found = list(self.model)[pick % len(self.model)]
        row = self.model[found]
        told = replayed_history(self.api, found)
        assert alike(told.pop("data"), _exact(row["data"]))
        assert told == {key: row[key] for key in told}

    def teardown(self) -> None:
        if not hasattr(self, "model"):
            return
        events: dict[str, list[dict[str, Any]]] = {}
        for event in log(self.api, self.seq):
            events.setdefault(event["subject_id"], []).append(event)
        for pick, (found, row) in enumerate(self.model.items()):
            state = replay(events[found])
            assert len(events[found]) == row["version"]
            assert alike(state["data"], _exact(row["data"]))
            assert (state["status"], state["deleted_at"] is not None) == (row["status"], row["deleted"])
            self.history(pick)
            if not row["deleted"]:
                self.shown(self.api.get(f"/records/{found}/").text, found)

    def shown(self, text: str, found: str) -> None:
        """What the server answers is what the model has."""
        self.assert_shown(exact(text), found)

    def assert_shown(self, shown: Row, found: str) -> None:
        row = self.model[found]
        expected = _exact(row["data"])
        keys = {*shown["data"], *expected}
        wrong = {key: (shown["data"].get(key), expected.get(key)) for key in keys}
        wrong = {key: pair for key, pair in wrong.items() if not alike(*pair)}
        assert not wrong, found
        assert (shown["status"], int(shown["version"])) == (row["status"], row["version"])
        assert shown["title"] == (row["title"] or f"{self.slug} {found[-8:]}")


def _exact(data: dict[str, Any]) -> dict[str, Any]:
    """The data as the server shows them: numbers exact, decimals as numbers."""
    return {key: Decimal(value) if key == "decimal" else exact(exact_json.dumps(value)) for key, value in data.items()}


def test_records_do_what_the_model_does(settled: TestTenant) -> None:
    run(Records, settled, examples=5, steps=30)


@pytest.mark.prove
@pytest.mark.timeout(3600)
def test_records_do_what_the_model_does_for_thousands_of_steps(settled: TestTenant) -> None:
    run(Records, settled, examples=150, steps=60)
