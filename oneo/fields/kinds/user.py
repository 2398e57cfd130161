"""Users of the tenant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from oneo.fields.base import EQUALITY
from oneo.fields.kinds import options
from oneo.fields.kinds.base import InvalidValue, Kind
from oneo.fields.kinds.terms import Family, Option
from oneo.ids import as_id


class UserKind(Kind):
    name = "user"
    about = "The id of a user of the tenant."
    family = Family.CHOICE
    slot: ClassVar[str | None] = "t"
    is_unique = True
    exact_in_slot = True
    sql_type = "text"
    operators: ClassVar[tuple[str, ...]] = EQUALITY
    json_schema: ClassVar[Mapping[str, Any]] = {"type": "string", "format": "uuid"}
    options: ClassVar[Mapping[str, Option]] = {"default": options.default_value({"type": "string", "format": "uuid"})}

    def from_json(self, value: object) -> str:
        found = as_id(value)
        if found is None:
            raise InvalidValue("WRONG_TYPE" if not isinstance(value, str) else "INVALID_ID", "A user's id is expected.")
        return str(found)

    def from_text(self, text: str) -> str:
        return self.from_json(text.strip())

    @property
    def example(self) -> Any:
        return self.config.get("default", "01890a5d-ac96-774b-bcce-b302099a8057")
