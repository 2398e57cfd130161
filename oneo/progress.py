"""How far long work has come: a bar on a terminal, else a line for each tenth of the way."""

from __future__ import annotations

from typing import TextIO

_WIDTH = 30
_STEPS = 10


class Progress:
    """Is told how many are done of so many; says nothing twice."""

    def __init__(self, total: int, stream: TextIO) -> None:
        self._total = total
        self._stream = stream
        self._drawn = stream.isatty()
        self._steps = 100 if self._drawn else _STEPS
        self._said = -1

    def __call__(self, done: int) -> None:
        step = self._steps if done >= self._total else self._steps * done // self._total
        if step == self._said:
            return
        self._said = step
        percent = 100 * step // self._steps
        told = f"{done:,} of {self._total:,} ({percent} %)"
        if self._drawn:
            filled = "#" * (_WIDTH * percent // 100)
            self._stream.write(f"\r[{filled:<{_WIDTH}}] {told}")
        else:
            self._stream.write(f"{told}\n")
        self._stream.flush()

    def end(self) -> None:
        """What is written next begins on a line of its own."""
        if self._drawn and self._said >= 0:
            self._stream.write("\n")
            self._stream.flush()
