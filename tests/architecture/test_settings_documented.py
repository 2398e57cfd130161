"""README's table of settings is the code's."""

from __future__ import annotations

import dataclasses
import re

from oneo.cli import spell
from oneo.config import Settings
from tests.architecture.sources import ROOT

_ROW = re.compile(r"^\| `([A-Z_]+)` \| (?:`([^`]*)`)? ?\| (.*) \|$", re.MULTILINE)


def test_readme_lists_every_setting_as_it_is() -> None:
    rows = _ROW.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    assert rows == [
        (field.metadata["env"], spell(field.default), field.metadata["about"]) for field in dataclasses.fields(Settings)
    ]
