"""Hostile JSON costs no more than its length allows, and does not hold up other requests while it is read."""

from __future__ import annotations

import gzip
import random
import re
import time

import pytest
import requests

from oneo import pacing, strict_json
from oneo.errors import MalformedJson
from tests.attacks.conftest import Scene
from tests.attacks.repetition import repeat
from tests.effort import effort

SLOW_MODEL = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
"""What counts as a string, also one that does not end. Fine for short texts."""

UNENDING = b'["' + b'\\"' * 25_000
REFUSED_BY_THE_PARSER = {
    "escaped quotes without an end": b'["' + b'\\"' * 100_000,
    "backslashes without an end": b'["' + b"\\" * 100_001,
    "open strings": b'["' * 100_000,
    "escapes before a half of a pair": b'["' + b"\\u0041" * 50_000 + b'\\ud800"]',
    "numbers without commas": b"[" + b"1-" * 100_000 + b"]",
    "digits": b"[" + b"1" * 300_000 + b"x]",
    "exponents": b"[" + b"1e309 " * 50_000 + b"]",
    "open arrays": b"[" * 300_000,
    "blanks": b" " * 300_000,
}


def _hostile_text(chooser: random.Random) -> bytes:
    parts: list[bytes] = []
    for _ in range(chooser.randint(0, 6)):
        parts.append(bytes(chooser.choices(b"[]{},:1 e", k=chooser.randint(0, 4))))
        inside = chooser.choices([b"\\\\", b'\\"', b"a", b"[", b"\\n", b","], k=chooser.randint(0, 6))
        parts.append(b'"' + b"".join(inside) + b'"')
    return b"".join(parts) + chooser.choice([b"", b'"', b'"\\', b'"a\\"', b'"\\\\', b'"[', b'"\\\\\\'])


@pytest.mark.parametrize("window", [1, 2, 3, 7, 64])
def test_strings_are_found_wherever_a_window_ends(monkeypatch: pytest.MonkeyPatch, window: int) -> None:
    monkeypatch.setattr(strict_json, "WINDOW", window)
    chooser = random.Random(window)
    for _ in range(2_000):
        text = _hostile_text(chooser)
        assert strict_json._without_strings(text) == SLOW_MODEL.sub(b'""', text), text


def test_a_string_without_an_end_reaches_to_the_end() -> None:
    """Otherwise each of its quotes would be tried as the beginning of another string, up to the end again."""
    assert strict_json._without_strings(UNENDING) == b'[""'


@pytest.mark.parametrize("name", REFUSED_BY_THE_PARSER)
def test_a_text_that_is_not_json_is_refused_without_a_loop_over_its_tokens(name: str) -> None:
    text = REFUSED_BY_THE_PARSER[name]
    with effort() as spent, pytest.raises(MalformedJson):
        strict_json.loads(text, max_depth=64)
    assert spent.calls < 300


@pytest.mark.parametrize(
    "text",
    [
        b"[" + b",".join([b'{"a":{}}'] * 20_000) + b"]",
        b"[" + b",".join([b'"\\\\u0000"'] * 20_000) + b"]",
        b'[{"a":1,"a":2},' + b",".join([b"{}"] * 20_000) + b"]",
        b"[" + b",".join([b"1234567890123456789"] * 20_000) + b"]",
        b"[" + b",".join([b"0.1234567890123456789"] * 20_000) + b"]",
    ],
    ids=["objects", "escaped NULs", "repeated key", "long integers", "long decimals"],
)
def test_walking_a_large_text_pauses_for_others(monkeypatch: pytest.MonkeyPatch, text: bytes) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(pacing, "SLICE_SECONDS", 0)
    monkeypatch.setattr(time, "sleep", pauses.append)
    try:
        strict_json.loads(text, max_depth=64)
    except MalformedJson as refused:
        assert refused.faults[0].code == "DUPLICATE_KEY"  # noqa: PT017 - the other texts are accepted
    assert len(pauses) > 300


def test_values_are_counted_before_anything_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    accepted = b'{"a,[{": [1, "x,y", {"b": null}], "c": []}'
    assert strict_json.loads(accepted, max_depth=8, max_values=10) == {"a,[{": [1, "x,y", {"b": None}], "c": []}
    monkeypatch.setattr("orjson.loads", None)
    with pytest.raises(MalformedJson) as refused:
        strict_json.loads(b"[" + b"[]," * 1_000 + b"[]]", max_depth=8, max_values=1_000)
    assert [fault.code for fault in refused.value.faults] == ["TOO_MANY_VALUES"]


def test_depth_is_exact() -> None:
    for deepest in (b"[]", b"{}", b'[{"a":[]}]', b'[[],[],{"a":{}}]', b'"[[[["', b"[1,[2],3]"):
        levels = max(_depths(deepest))
        strict_json.loads(deepest, max_depth=levels)
        if levels:
            with pytest.raises(MalformedJson, match="deeper"):
                strict_json.loads(deepest, max_depth=levels - 1)


def _depths(text: bytes) -> list[int]:
    depth, depths = 0, [0]
    for character in SLOW_MODEL.sub(b"", text).decode():
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(character, 0)
        depths.append(depth)
    return depths


@pytest.mark.prove
def test_strings_without_an_end_do_not_hold_up_others(scene: Scene) -> None:
    """87 bytes on the wire once held up everybody for seconds."""
    packed = gzip.compress(UNENDING)

    def attack() -> int:
        return requests.post(
            f"{scene.url}/api/v1/auth/login/", data=packed, timeout=60,
            headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
        ).status_code  # fmt: skip

    with scene.undisturbed():
        assert set(repeat(attack, attackers=4)) == {400}
