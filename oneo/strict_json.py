"""Read JSON as RFC 8259 defines it, or refuse it: one meaning for every reader.

The text comes from clients, so each step takes time in proportion to its length. A step in C cannot be interrupted
and holds up every other request of the process; therefore such steps are either as fast as copying memory or work on
one window of the text at a time, and loops in Python pause for others (`oneo/pacing.py`). How much memory a text can
take is known before it is parsed: `max_values` counts what it would become.

The checks of structure (depth, number of values, repeated keys, long numbers) look at the text without its strings.
"""

from __future__ import annotations

import gc
import json
import math
import threading
import time
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from oneo import pacing
from oneo.errors import Fault, MalformedJson

WINDOW = 65_536
"""Bytes that one uninterrupted step works on when strings are removed."""
LARGE_TEXT = 262_144
_CONTAINERS = frozenset({dict, list})
_ONLY_BRACKETS = bytes.maketrans(b"{}", b"[]"), bytes(set(range(256)) - set(b"[]{}"))
_UNIFORM_DIGITS = bytes.maketrans(b"123456789E", b"000000000e")
_MAX_DIGITS = 400
_large_parsing = threading.Lock()


def loads(body: bytes, *, max_depth: int, max_values: int | None = None) -> Any:
    """Return the value of a JSON text. Raises MalformedJson for anything not strict (NaN, repeated keys, lone
    surrogates, NUL, numbers that would be rounded), and for more than `max_values` values and keys.
    """
    bare = _without_strings(body)
    openings, colons = bare.count(b"[") + bare.count(b"{"), bare.count(b":")
    if max_values is not None and openings + colons + bare.count(b",") > max_values:
        raise _fault("TOO_MANY_VALUES", f"The body has more than {max_values} values and keys; send it in parts.")
    value = _parse(body)
    if openings > max_depth and _is_deeper(bare, max_depth):
        raise _too_deep(max_depth)
    if b"\\u0000" in body and _has_nul(value):
        raise _fault("NUL_CHARACTER", "The character NUL cannot be stored.")
    if colons and colons != _count_pairs(value):
        raise _duplicate(body)
    return _exact(body) if _has_long_number(bare) else value


def _without_strings(body: bytes) -> bytes:
    """Return the text with `""` in place of each string, also of one that does not end.

    Within a window, escaped backslashes and then escaped quotes are removed; what remains alternates between the
    outside and the inside of strings at each quote.
    """
    parts: list[bytes] = []
    inside, carried = False, b""
    for start in pacing.paced(range(0, len(body), WINDOW)):
        window = (carried + body[start : start + WINDOW]).replace(b"\\\\", b"")
        carried = b"\\" if window.endswith(b"\\") else b""
        pieces = window.removesuffix(carried).replace(b'\\"', b"").split(b'"')
        opened_before, outside = inside, pieces[int(inside) :: 2]
        inside ^= len(pieces) % 2 == 0
        parts.append(b'""'.join(outside))
        if inside and (len(pieces) > 1 or not opened_before):
            parts.append(b'""')
    return b"".join(parts)


def _parse(body: bytes) -> Any:
    """Parse at once what is small. Large texts are parsed one after the other, with a pause after each that is as long
    as its parsing: the parser does not let other requests run.
    """
    try:
        if len(body) <= LARGE_TEXT:
            return orjson.loads(body)
        with _large_parsing:
            began = time.perf_counter()
            value = _parse_without_collection(body)
            seconds = time.perf_counter() - began
            time.sleep(seconds)
    except orjson.JSONDecodeError as error:
        raise _refusal(body, error) from None
    pacing.spend(seconds)
    return value


def _parse_without_collection(body: bytes) -> Any:
    """Parse while the garbage collector waits: it would look through a million new values ten times."""
    collects = gc.isenabled()
    gc.disable()
    try:
        return orjson.loads(body)
    finally:
        if collects:
            gc.enable()


def _refusal(body: bytes, error: orjson.JSONDecodeError) -> MalformedJson:
    """Translate the parser's error. Its words are pinned by `tests/http/test_strict_json.py`."""
    if not body.strip():
        return _fault("EMPTY_BODY", "A JSON body is required.")
    if "UTF-8" in error.msg:
        return _fault("NOT_UTF8", "This is not UTF-8.")
    where = f"line {error.lineno}, column {error.colno}"
    if "surrogate" in error.msg:
        return _fault("LONE_SURROGATE", f"Half of a surrogate pair is not a character and cannot be stored: {where}.")
    if "infinity" in error.msg:
        return _fault("NUMBER_TOO_LONG", f"A number is out of range: {where}.")
    if "depth" in error.msg:
        return _fault("TOO_DEEP", "Nested too deep.")
    return _fault("NOT_JSON", f"This is not JSON: {where}.")


def _fault(code: str, message: str, pointer: str = "") -> MalformedJson:
    return MalformedJson(message, faults=[Fault(pointer, code, message)])


def _too_deep(max_depth: int) -> MalformedJson:
    return _fault("TOO_DEEP", f"Nested deeper than {max_depth} levels.")


def _is_deeper(bare: bytes, max_depth: int) -> bool:
    """Whether the brackets are nested deeper. Each round removes the innermost ones; the text is known to be JSON."""
    brackets = bare.translate(*_ONLY_BRACKETS)
    for _ in pacing.paced(range(max_depth)):
        brackets = brackets.replace(b"[]", b"")
        if not brackets:
            return False
    return True


def _count_pairs(value: Any) -> int:
    """Count the members of all objects."""
    items = [value]
    for item in pacing.paced(items):
        items.extend(_containers(item))
    return sum(len(item) for item in items if type(item) is dict)


def _containers(item: Any) -> list[Any]:
    """List the arrays and objects directly inside."""
    if type(item) is dict:
        return [child for child in item.values() if type(child) in _CONTAINERS]
    return [child for child in item if type(child) in _CONTAINERS] if type(item) is list else []


def _has_nul(value: Any) -> bool:
    return any("\0" in text for text in pacing.paced(_texts(value), stride=64))


def _texts(value: Any) -> Iterator[str]:
    """Yield every string and every key."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            yield from item
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)


def _duplicate(body: bytes) -> MalformedJson:
    """Find the key that is repeated, for the message."""
    repeated: list[str] = []
    pacer = pacing.Pacer()

    def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        pacer.step()
        members: dict[str, Any] = {}
        for key, value in pairs:
            if key in members:
                repeated.append(key)
            members[key] = value
        return members

    json.loads(body, object_pairs_hook=note, parse_int=str, parse_float=str)
    name = repeated[0][:100] if repeated else ""
    return _fault("DUPLICATE_KEY", f"The key {name!r} stands twice in one object.")


def _has_long_number(bare: bytes) -> bool:
    """Whether a number may not survive as a float, which keeps 15 digits, or 16 characters with a point among them."""
    digits = bare.translate(_UNIFORM_DIGITS)
    return b"0" * 16 in digits or b"e-000" in digits or b"0" * 17 in digits.replace(b".", b"0")


def _exact(body: bytes) -> Any:
    """Parse integers of any size and long decimals without rounding. Raises MalformedJson for those beyond bounds."""
    pacer = pacing.Pacer(stride=64)

    def integer(digits: str) -> int:
        pacer.step()
        _check_length(digits)
        return int(digits)

    def decimal(digits: str) -> float | Decimal:
        pacer.step()
        _check_length(digits)
        return _decimal(digits)

    return json.loads(body, parse_int=integer, parse_float=decimal)


def _check_length(digits: str) -> None:
    if len(digits) > _MAX_DIGITS:
        raise _fault("NUMBER_TOO_LONG", "A number has too many digits.")


def _decimal(digits: str) -> float | Decimal:
    """Return a float where it is exact."""
    out_of_range = _fault("NUMBER_TOO_LONG", "A number is out of range.")
    try:
        exact = Decimal(digits)
    except InvalidOperation:
        raise out_of_range from None
    near = float(digits)
    if math.isinf(near) or (near == 0 and exact != 0):
        raise out_of_range
    return near if Decimal(repr(near)) == exact else exact
