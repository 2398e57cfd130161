"""A document as YAML: blocks of plain words and quoted texts, fast enough for documents of many megabytes."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

_PLAIN = re.compile(r"[A-Za-z_$/]([A-Za-z0-9_$/{}().,; -]*[A-Za-z0-9_/{}().])?", re.ASCII)
_PIECE = 1_000
"""Lines that are encoded at once."""
_MEANINGFUL = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
# What JSON lets stand in a text, and YAML does not, or takes for the end of a line.
_ESCAPED = re.compile("[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


def to_yaml(document: Any) -> bytes:
    """The whole document, encoded piece by piece: its lines would take many times the memory of its bytes."""
    lines = _Lines()
    _write(document, "", "", lines)
    return lines.whole()


class _Lines:
    def __init__(self) -> None:
        self._waiting: list[str] = []
        self._encoded = bytearray()

    def append(self, line: str) -> None:
        self._waiting.append(line)
        if len(self._waiting) == _PIECE:
            self._encode()

    def whole(self) -> bytes:
        self._encode()
        return bytes(self._encoded)

    def _encode(self) -> None:
        self._encoded += "".join(f"{line}\n" for line in self._waiting).encode()
        self._waiting.clear()


def _write(value: Any, pad: str, lead: str, lines: _Lines) -> None:
    """The members of what has any; the first stands behind what leads its line already, the others are padded."""
    deeper = pad + "  "
    if isinstance(value, dict) and value:
        for name, member in value.items():
            if isinstance(member, dict | list) and member:
                lines.append(f"{lead}{_text(name)}:")
                _write(member, deeper, deeper, lines)
            else:
                lines.append(f"{lead}{_text(name)}: {_single(member)}")
            lead = pad
    elif isinstance(value, list) and value:
        for member in value:
            _write(member, deeper, f"{lead}- ", lines)
            lead = pad
    else:
        lines.append(f"{lead}{_single(value)}")


def _single(value: Any) -> str:
    """What has no members, on one line."""
    if isinstance(value, str):
        return _text(value)
    written = json.dumps(value)
    # A power of ten is a number to all readers only behind a point.
    return re.sub(r"^(-?\d+)e", r"\1.0e", written) if isinstance(value, float) else written


@lru_cache(maxsize=4096)
def _text(text: str) -> str:
    if len(text) < 200 and _PLAIN.fullmatch(text) and text.lower() not in _MEANINGFUL:
        return text
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
