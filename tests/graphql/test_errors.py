"""What an answer's errors tell, and what they keep to themselves."""

from __future__ import annotations

import pytest
from flask import Flask
from graphql import ExecutionResult, GraphQLError

from oneo.errors import Fault, PermissionDenied, StaleActor, TokenRevoked, Unavailable, UserNotFound, ValidationFailed
from oneo.graphql.errors import DocumentInvalid, entries, field_entry
from oneo.graphql.view import FieldsFailed, _sift


def _failed(cause: Exception) -> GraphQLError:
    return GraphQLError(str(cause), path=["currentUser", 0], original_error=cause)


def test_a_domain_error_keeps_code_place_and_details(in_app: Flask) -> None:
    cause = PermissionDenied("No.", extra={"needed_permission": "users:read"})
    entry = field_entry(_failed(cause))
    assert (entry["message"], entry["code"], entry["path"]) == ("No.", "PERMISSION_DENIED", ["currentUser", 0])
    assert entry["extensions"]["code"] == "PERMISSION_DENIED"
    assert entry["extensions"]["neededPermission"] == "users:read"
    assert entry["extensions"]["timestamp"].endswith("Z")


def test_each_fault_of_the_input_is_told(in_app: Flask) -> None:
    entry = entries(ValidationFailed(faults=[Fault("/name", "TOO_LONG", "It is too long.")]))[0]
    assert entry["code"] == "VALIDATION_FAILED"
    assert entry["extensions"]["errors"][0]["pointer"] == "/name"


@pytest.mark.parametrize("cause", [ValueError("SELECT secret"), RecursionError("deep"), TypeError("Cannot return")])
def test_what_is_unexpected_is_told_to_nobody(in_app: Flask, cause: Exception) -> None:
    entry = field_entry(_failed(cause))
    assert (entry["message"], entry["code"]) == ("Something went wrong on our side.", "INTERNAL_ERROR")
    assert str(cause) not in str(entry)


def test_long_messages_are_cut(in_app: Flask) -> None:
    assert len(entries(DocumentInvalid([GraphQLError("x" * 10_000)]))[0]["message"]) == 500


@pytest.mark.parametrize("cause", [StaleActor(), TokenRevoked(), Unavailable()])
def test_what_concerns_the_caller_is_no_matter_of_a_field(cause: Exception) -> None:
    with pytest.raises(type(cause)):
        _sift(ExecutionResult(None, [_failed(UserNotFound()), _failed(cause)]), {})


def test_a_failed_field_may_be_an_outdated_actors_fault() -> None:
    result = ExecutionResult(None, [_failed(UserNotFound())])
    with pytest.raises(FieldsFailed) as raised:
        _sift(result, {})
    assert raised.value.result is result
    _sift(ExecutionResult(None, [_failed(ValueError())]), {})
    _sift(ExecutionResult({}), {})
