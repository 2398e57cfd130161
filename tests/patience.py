"""What work may cost on a machine like this one, whatever else it does."""

from __future__ import annotations

import json
import time

_MILLION = f"[{'1,' * 999_999}1]"


def patience(millions: int) -> float:
    """Seconds of one thread: so many as it takes to read so many million numbers. Other work on the machine does not
    count.
    """
    started = time.thread_time()
    json.loads(_MILLION)
    return millions * (time.thread_time() - started)
