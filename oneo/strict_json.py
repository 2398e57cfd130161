"""JSON as RFC 8259 means it: one meaning for every reader, or refused. Fast for the usual body, exact for the rest."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from oneo.errors import Fault, MalformedJson

_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_DELICATE_NUMBER = re.compile(rb"\d{16}|[\d.]{17}|[eE]-\d{3}")
"""Up to 15 digits, those after the point among them, a float tells apart."""
_ESCAPED_NUL = re.compile(rb"\\u0000")
_CONTAINERS = frozenset({dict, list})
_ESCAPE = re.compile(rb"\\(?:u[dD][89a-fA-F][0-9a-fA-F]{2}|.)", re.DOTALL)
"""Halves of surrogate pairs; the others stand here so that none of them is taken for one."""
_MAX_DIGITS = 400


def loads(body: bytes, *, max_depth: int) -> Any:
    """Raises MalformedJson for anything not strict: NaN, repeated keys, lone surrogates, NUL, inexact numbers."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise _refusal(body) from None
    bare = _STRINGS.sub(b'""', body)
    if bare.count(b"[") + bare.count(b"{") > max_depth and _is_deeper(value, max_depth):
        raise MalformedJson(
            f"Nested deeper than {max_depth} levels.", faults=[Fault("", "TOO_DEEP", "Nested too deep.")]
        )
    if _ESCAPED_NUL.search(body) and _has_nul(value):
        raise _fault("NUL_CHARACTER", "The character NUL cannot be stored.")
    if bare.count(b":") != _count_pairs(value):
        raise _duplicate(body)
    if _DELICATE_NUMBER.search(bare):
        return _exact(body)
    return value


def _refusal(body: bytes) -> MalformedJson:
    if not body.strip():
        return _fault("EMPTY_BODY", "A JSON body is required.")
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return _fault("NOT_UTF8", "This is not UTF-8.")
    if _is_json_but_for_surrogates(body):
        return _fault("LONE_SURROGATE", "Half of a surrogate pair is no character and cannot be stored.")
    return _out_of_range() if _is_json_but_for_large_numbers(body) else _fault("NOT_JSON", "This is not JSON.")


def _is_json_but_for_surrogates(body: bytes) -> bool:
    """What is wrong is then some half of a pair: the fast reader takes whole ones."""
    whole = _ESCAPE.sub(lambda found: rb"\u0041" if len(found[0]) > 2 else found[0], body)
    if whole == body:
        return False
    try:
        orjson.loads(whole)
    except orjson.JSONDecodeError:
        return False
    return True


def _is_json_but_for_large_numbers(body: bytes) -> bool:
    """The fast reader does not tell a number that it cannot hold from a text that is no JSON."""
    bare = _STRINGS.sub(b'""', body)
    small = _NUMBER.sub(lambda found: b"0" if math.isinf(float(found[0])) else found[0], bare)
    if small == bare:
        return False
    try:
        orjson.loads(small)
    except orjson.JSONDecodeError:
        return False
    return True


def _out_of_range() -> MalformedJson:
    return _fault("NUMBER_TOO_LONG", "A number is out of range.")


def _fault(code: str, message: str, pointer: str = "") -> MalformedJson:
    return MalformedJson(message, faults=[Fault(pointer, code, message)])


def _walk(value: Any) -> Iterator[tuple[Any, int]]:
    stack = [(value, 1)]
    while stack:
        item, depth = stack.pop()
        yield item, depth
        if isinstance(item, dict):
            stack.extend((child, depth + 1) for child in item.values())
        elif isinstance(item, list):
            stack.extend((child, depth + 1) for child in item)


def _is_deeper(value: Any, than: int) -> bool:
    level = [value]
    for _ in range(than):
        level = [child for item in level for child in _containers(item)]
        if not level:
            return False
    return True


def _count_pairs(value: Any) -> int:
    items = [value]
    for item in items:
        items.extend(_containers(item))
    return sum(len(item) for item in items if type(item) is dict)


def _containers(item: Any) -> list[Any]:
    """Lists and objects directly inside."""
    if type(item) is dict:
        return [child for child in item.values() if type(child) in _CONTAINERS]
    return [child for child in item if type(child) in _CONTAINERS] if type(item) is list else []


def _has_nul(value: Any) -> bool:
    return any(
        (isinstance(item, str) and "\0" in item) or (isinstance(item, dict) and any("\0" in key for key in item))
        for item, _ in _walk(value)
    )


def _duplicate(body: bytes) -> MalformedJson:
    repeated: list[str] = []

    def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for key, value in pairs:
            if key in seen:
                repeated.append(key)
            seen[key] = value
        return seen

    json.loads(body, object_pairs_hook=note, parse_int=str, parse_float=str)
    name = repeated[0][:100] if repeated else ""
    return _fault("DUPLICATE_KEY", f"The key {name!r} stands twice in one object.")


def _exact(body: bytes) -> Any:
    """Integers of any size and long decimals without rounding: the number is kept exactly or refused."""
    return json.loads(body, parse_int=_integer, parse_float=_decimal)


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise _fault("NUMBER_TOO_LONG", "A number has too many digits.")
    return int(digits)


def _decimal(digits: str) -> float | Decimal:
    try:
        exact = Decimal(digits)
    except InvalidOperation:
        raise _out_of_range() from None
    near = float(digits)
    if math.isinf(near) or (near == 0 and exact != 0):
        raise _out_of_range()
    if len(digits) > _MAX_DIGITS:
        raise _fault("NUMBER_TOO_LONG", "A number has too many digits.")
    return near if Decimal(repr(near)) == exact else exact
