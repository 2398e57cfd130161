"""The document and the server say the same: requests made from it, answers held against it (threats, 4)."""

from __future__ import annotations

from typing import Any

from tests.http.conformance import BOUNDED, Caller, loaded, send

document = loaded(coverage=False)


@document.parametrize()
@BOUNDED
def test_an_operation_does_what_the_document_says(case: Any, caller: Caller, address: str) -> None:
    send(case, caller, address)
