"""Passwords that are tried first: listed ones, patterns, and words that everybody knows or that name their owner."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from pathlib import Path

_LIST = Path(__file__).with_name("common_passwords.txt")
_PRODUCT = "oneo"
_WORDS = (
    "password", "passphrase", "qwertyuiop", "asdfghjkl", "zxcvbnm", "letmein", "iloveyou", "admin", "administrator",
    "welcome", "monkey", "dragon", "football", "baseball", "sunshine", "princess", "superman", "batman", "master",
    "changeme", "secret", "trustno", "1234567890", "0987654321", "123456789", "abcdefghijklmnopqrstuvwxyz", "abc",
    _PRODUCT,
)  # fmt: skip
_ROWS = (
    "abcdefghijklmnopqrstuvwxyz", "`1234567890-=", "01", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./", "qwertzuiop",
    "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn", "1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "8ik,",
    "9ol.", "0p;/", "147", "258", "369", "741", "852", "963",
)  # fmt: skip
_STEPS = frozenset(a + b for row in _ROWS for one, two in pairwise(row) for a, b in ((one, two), (two, one)))
_PLAIN_OF = str.maketrans("013457@$!", "oieastasi")
_LONGEST_PERIOD = 8
_SHORTEST_WORD = 4
_LONGEST_REST = 8


def is_common(password: str, personal: Iterable[str]) -> bool:
    """`personal` are names of the owner and of his tenant."""
    plain = password.casefold()
    return _is_listed(plain) or _is_pattern(plain) or _is_of_words(plain, personal)


def _is_listed(plain: str) -> bool:
    """However it is spaced, with digits for letters, and whatever number stands behind it."""
    for spelt in (plain, plain.translate(_PLAIN_OF)):
        letters = "".join(character for character in spelt if character.isalnum())
        if letters in listed() or letters.rstrip("0123456789") in listed():
            return True
    return plain.rstrip("0123456789!").translate(_PLAIN_OF) in listed()


@cache
def listed() -> frozenset[str]:
    """Lower case, letters and digits alone."""
    return frozenset(_LIST.read_text(encoding="ascii").split())


def _is_pattern(plain: str) -> bool:
    """A short text repeated, or walks over the alphabet and the keyboard that go on for four keys on average."""
    if len(set(plain)) < 5 or any(plain[at:] == plain[:-at] for at in range(1, _LONGEST_PERIOD + 1)):
        return True
    walks = 1 + sum(one != two and one + two not in _STEPS for one, two in pairwise(plain))
    return walks * 4 <= len(plain)


def _is_of_words(plain: str, personal: Iterable[str]) -> bool:
    names = {name for text in personal for name in (text.casefold(), *re.split(r"[\W_]+", text.casefold()))}
    words = {*_WORDS, *(name for name in names if len(name) >= _SHORTEST_WORD)}
    rest = plain
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, "")
    return len(rest) < _LONGEST_REST and sum(character.isalpha() for character in rest) < 3
