"""Pieces of SQL with the values that belong to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Sql:
    """A piece of SQL and the values for its placeholders, in order."""

    text: str
    values: list[object] = field(default_factory=list)

    def named(self, prefix: str) -> tuple[str, dict[str, object]]:
        """The same with a name for each placeholder, to stand in a statement whose values have names."""
        names = {f"{prefix}_{at}": value for at, value in enumerate(self.values)}
        text = self.text
        for name in names:
            text = text.replace("%s", f"%({name})s", 1)
        return text, names


TRUE, FALSE = Sql("true"), Sql("false")


def all_of(parts: Iterable[Sql]) -> Sql:
    return _join(" AND ", [part for part in parts if part.text != "true"], TRUE)


def any_of(parts: Iterable[Sql]) -> Sql:
    return _join(" OR ", [part for part in parts if part.text != "false"], FALSE)


def like(text: str) -> str:
    """A pattern that finds the text anywhere, taken literally."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _join(word: str, parts: list[Sql], empty: Sql) -> Sql:
    if len(parts) <= 1:
        return parts[0] if parts else empty
    return Sql(f"({word.join(part.text for part in parts)})", [value for part in parts for value in part.values])
