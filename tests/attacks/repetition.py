"""Several attackers that do the same again and again, for as long as it takes to notice them."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

PAUSE_SECONDS = 0.1
Result = TypeVar("Result")


def repeat(attack: Callable[[], Result], *, attackers: int, seconds: float = 4.0) -> list[Result]:
    """Return what each attack returned. The pauses keep this process from being what the machine is busy with."""
    until = time.monotonic() + seconds

    def attack_until_then() -> list[Result]:
        results = []
        while time.monotonic() < until:
            results.append(attack())
            time.sleep(PAUSE_SECONDS)
        return results

    with ThreadPoolExecutor(attackers) as threads:
        running = [threads.submit(attack_until_then) for _ in range(attackers)]
        return [result for thread in running for result in thread.result()]
