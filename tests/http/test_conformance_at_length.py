"""The same as tests/http/test_conformance.py with very many requests, and with sequences of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings

from tests.http.conformance import BOUNDED, Caller, loaded, send, sendable

pytestmark = [pytest.mark.prove, pytest.mark.timeout(3600)]

LONG = settings(BOUNDED, max_examples=300, derandomize=False)
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
