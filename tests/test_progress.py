"""How far long work has come, on a terminal and elsewhere."""

from __future__ import annotations

import io

from oneo.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_it_is_a_bar_that_is_drawn_over_itself() -> None:
    stream = Terminal()
    progress = Progress(1000, stream)
    for done in (100, 101, 500, 1000):
        progress(done)
    progress.end()
    drawn = stream.getvalue()
    assert drawn.endswith("\n")
    assert drawn.rstrip("\n").split("\r")[1:] == [
        f"[{'#' * 3:<30}] 100 of 1,000 (10 %)",
        f"[{'#' * 15:<30}] 500 of 1,000 (50 %)",
        f"[{'#' * 30}] 1,000 of 1,000 (100 %)",
    ]


def test_elsewhere_it_is_a_line_for_each_tenth() -> None:
    stream = io.StringIO()
    progress = Progress(1000, stream)
    for done in range(0, 1001, 20):
        progress(done)
    progress.end()
    lines = stream.getvalue().splitlines()
    assert lines[0] == "0 of 1,000 (0 %)"
    assert lines[5] == "500 of 1,000 (50 %)"
    assert (len(lines), lines[-1]) == (11, "1,000 of 1,000 (100 %)")


def test_it_never_says_more_than_all() -> None:
    """Records can be added while others are counted."""
    for stream in (io.StringIO(), Terminal()):
        progress = Progress(2, stream)
        for done in (1, 2, 3):
            progress(done)
        assert stream.getvalue().count("100 %") == 1
        Progress(0, stream)(0)
        assert "0 of 0 (100 %)" in stream.getvalue()


def test_what_never_began_ends_without_a_word() -> None:
    for stream in (io.StringIO(), Terminal()):
        Progress(5, stream).end()
        assert stream.getvalue() == ""
