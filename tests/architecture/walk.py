"""Every route of the application, as requests that can be sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Flask
from werkzeug.routing import Rule, UUIDConverter

from oneo.access.permissions import PUBLIC, Access, P
from oneo.ids import as_id

NOBODYS_ID = UUID("0199f3a4-c1b2-7d05-a9c0-d6c4f1f2a3b4")
BODIES: tuple[dict[str, Any], ...] = (
    {},
    {"json": {}},
    {"data": b"{", "content_type": "application/json"},
    {"data": b"<a/>", "content_type": "application/xml"},
    {"data": b"\x1f\x8b", "content_type": "application/json", "headers": {"Content-Encoding": "gzip"}},
)
"""What a write may be sent: nothing, an empty object, and bodies that cannot be read."""


@dataclass(frozen=True)
class Route:
    method: str
    rule: Rule
    permission: P | Access

    @property
    def is_public(self) -> bool:
        return self.permission is PUBLIC

    @property
    def writes(self) -> bool:
        return self.method not in {"GET", "HEAD"}

    @property
    def name(self) -> str:
        return f"{self.method} {self.rule.rule}"

    def takes(self, ids: Mapping[str, str]) -> bool:
        """Whether the address can be written with these: some name by id alone."""
        uuids = {name for name, converter in self.rule._converters.items() if isinstance(converter, UUIDConverter)}
        return all(as_id(found) is not None for name, found in ids.items() if name in uuids)

    def path(self, ids: Mapping[str, object] | None = None) -> str:
        """With the ids given by parameter, else with some that nobody has."""
        chosen = {name: str((ids or {}).get(name, NOBODYS_ID)) for name in self.rule.arguments}
        built = self.rule.build(chosen, append_unknown=False) if self.rule.arguments else None
        return built[1] if built else self.rule.rule


def routes(app: Flask) -> Iterator[Route]:
    """Each rule with each of its methods; OPTIONS answers by itself and says nothing."""
    for rule in app.url_map.iter_rules():
        permission = getattr(app.view_functions[rule.endpoint], "permission", None)
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            assert isinstance(permission, P | Access), f"{rule.rule} does not say who may call it"
            yield Route(method, rule, permission)
