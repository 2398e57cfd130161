"""Long loops over input pause for other requests and end when the request has used its computing time."""

from __future__ import annotations

import time

import pytest

from oneo import pacing
from oneo.errors import TooExpensive


def _burn(seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


def test_a_long_loop_pauses_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    for _ in pacing.paced(range(4)):
        _burn(pacing.SLICE_SECONDS)
    assert pauses == [pacing.PAUSE_SECONDS] * 4


def test_a_short_loop_does_not_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    monkeypatch.setattr(pacing, "SLICE_SECONDS", 60)
    assert list(pacing.paced(range(100), stride=10)) == list(range(100))
    assert pauses == []


def test_time_in_nested_loops_is_charged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    charged: list[float] = []
    monkeypatch.setattr(pacing, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(pacing, "spend", charged.append)
    for _ in pacing.paced(range(3)):
        assert list(pacing.paced(range(4))) == [0, 1, 2, 3]
    assert len(charged) == 3 * 4


def test_a_loop_ends_when_the_budget_is_used_up() -> None:
    pacing.start_budget(pacing.SLICE_SECONDS * 2.5)
    try:
        with pytest.raises(TooExpensive):
            list(map(_burn, pacing.paced([pacing.SLICE_SECONDS] * 100)))
    finally:
        pacing.start_budget(None)
