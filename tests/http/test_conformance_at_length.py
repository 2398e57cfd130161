"""The same as tests/http/test_conformance.py with very many requests, and with sequences of them."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings

from tests.architecture.sources import DOCS
from tests.factories.kinds import VALUES, every_kind
from tests.factories.pipeline import record
from tests.factories.tenant import TestTenant
from tests.http.conformance import BOUNDED, Caller, closed, loaded, send, sendable

pytestmark = [pytest.mark.prove, pytest.mark.timeout(3600)]

LONG = settings(BOUNDED, max_examples=300, derandomize=False)
TYPED = settings(BOUNDED, max_examples=60, derandomize=False)
SEQUENCES = settings(BOUNDED, max_examples=60, stateful_step_count=12, derandomize=False)
document = loaded(coverage=True)


@document.parametrize()
@LONG
def test_an_operation_does_what_the_document_says_at_length(case: Any, caller: Caller, address: str) -> None:
    send(case, caller, address)


def test_sequences_of_operations_do_what_the_document_says(caller: Caller, address: str) -> None:
    machine: Any = document.as_state_machine()

    class Sequence(machine):
        def setup(self) -> None:
            caller.begin_anew()

        def before_call(self, case: Any) -> None:
            sendable(case, caller)

        def get_call_kwargs(self, _case: Any) -> dict[str, Any]:
            return {"base_url": address, "headers": caller.headers()}

    Sequence.run(settings=SEQUENCES)


def test_the_typed_routes_of_a_caller_do_what_the_callers_document_says(tenant: TestTenant, address: str) -> None:
    every_kind(tenant.api, title_field="name")
    body = tenant.api.get("/api/v1/openapi.json").json
    generic = json.loads((DOCS / "openapi.json").read_text(encoding="utf-8"))["paths"]
    body["paths"] = {path: item for path, item in body["paths"].items() if path not in generic}
    headers = {"Authorization": f"Bearer {tenant.api.token}"}
    tried = 0
    for found in closed(body, coverage=False).get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy())
        @TYPED
        def ask(case: Any) -> None:
            if case.path_parameters:
                case.path_parameters["record_id"] = record(tenant.api, "things", {**VALUES, "code": None})["id"]
            case.headers = {**(case.headers or {}), "Idempotency-Key": uuid4().hex}
            case.headers.pop("Prefer", None)  # OpenAPI cannot say that an answer has this body or none at all
            case.call_and_validate(base_url=address, headers=headers)

        ask()
        tried += 1
    assert tried == 6
