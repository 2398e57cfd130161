"""Passwords: which are taken, and that every character of them counts (threats 52, 54)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from oneo.access import passwords
from oneo.access.passwords import MAX_LENGTH, check_password, hash_password, verify_password
from oneo.errors import FaultList, ValidationFailed
from tests.effort import effort

COMMON = Path(passwords.__file__).with_name("common_passwords.txt")


@pytest.fixture(autouse=True)
def _in_app(in_app: Flask) -> None:
    """Hashing asks the application where to run."""


def faults_of(password: str, *context: str) -> list[str]:
    faults = FaultList()
    check_password(faults, password, where="/password", minimum=15, context=context)
    return [fault.code for fault in faults.faults]


@pytest.mark.parametrize(
    "password",
    ["quiet-otters-map-seven-rivers", "four words that fit", "x7#Qp!m2Lv9$Rt4", "пароль из многих слов",
     "密码密码文字很长的一个短语在此处", "🐎🔋📎 and some words", "correct pony battery staple",
     "z" * 10 + "qwertybox" * 3, "Tr0ub4dor&3 Tr0ub4dor", "four words that fit " * 51],
)  # fmt: skip
def test_long_passwords_of_any_characters_are_taken(password: str) -> None:
    assert faults_of(password) == []


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("", "PASSWORD_TOO_SHORT"),
        ("short", "PASSWORD_TOO_SHORT"),
        ("x7#Qp!m2Lv9$Rt", "PASSWORD_TOO_SHORT"),
        ("x" * (MAX_LENGTH + 1), "PASSWORD_TOO_LONG"),
        ("word " * 1000, "PASSWORD_TOO_LONG"),
        ("aaaaaaaaaaaaaaaaaaaa", "PASSWORD_TOO_COMMON"),
        ("abababababababababab", "PASSWORD_TOO_COMMON"),
        ("passwordpassword1234", "PASSWORD_TOO_COMMON"),
        ("PasswordPassword2024", "PASSWORD_TOO_COMMON"),
        ("qwertyuiopasdfghjkl1", "PASSWORD_TOO_COMMON"),
        ("12345678901234567890", "PASSWORD_TOO_COMMON"),
        ("adminadministrator!!", "PASSWORD_TOO_COMMON"),
        ("letmeinletmeinletmein", "PASSWORD_TOO_COMMON"),
        ("abcdefghijklmnopqrstuvwxyz", "PASSWORD_TOO_COMMON"),
        ("correct-horse-battery-staple", "PASSWORD_TOO_COMMON"),
        ("Correct Horse Battery Staple 2024", "PASSWORD_TOO_COMMON"),
        ("I love you forever!", "PASSWORD_TOO_COMMON"),
        ("1l0v3y0uf0r3v3r", "PASSWORD_TOO_COMMON"),
        ("thequickbrownfox7", "PASSWORD_TOO_COMMON"),
        ("MayTheForceBeWithYou", "PASSWORD_TOO_COMMON"),
        ("0123456789 abcdefgh ijk", "PASSWORD_TOO_COMMON"),
        ("a" * 10 + "bcdefgh", "PASSWORD_TOO_COMMON"),
        ("x7#Q!x7#Q!x7#Q!x7", "PASSWORD_TOO_COMMON"),
        ("kitten77kitten77", "PASSWORD_TOO_COMMON"),
        ("1qaz2wsx3edc4rfv", "PASSWORD_TOO_COMMON"),
        ("zyxwvutsrqponmlk", "PASSWORD_TOO_COMMON"),
        ("poiuytrewqlkjhgfdsa", "PASSWORD_TOO_COMMON"),
        ("qwertzuiopasdfghjkl", "PASSWORD_TOO_COMMON"),
        ("azertyuiopqsdfghjklm", "PASSWORD_TOO_COMMON"),
        ("9876543210987654321", "PASSWORD_TOO_COMMON"),
        ("oneo-oneo-password", "PASSWORD_TOO_COMMON"),
        ("OneoAdministrator1", "PASSWORD_TOO_COMMON"),
    ],
)
def test_what_is_tried_first_is_refused(password: str, code: str) -> None:
    assert faults_of(password) == [code]


def test_one_s_own_name_repeated_is_refused() -> None:
    assert faults_of("lovelacelovelace1", "ada", "Lovelace") == ["PASSWORD_TOO_COMMON"]
    assert faults_of("lovelacelovelace1") == []
    assert faults_of("Initech-Corp-2024!", "ada", "", "initech", "Initech Corp") == ["PASSWORD_TOO_COMMON"]
    assert faults_of("Initech-Corp-2024!") == []


def test_the_list_is_of_long_passwords_as_they_are_looked_up() -> None:
    entries = COMMON.read_text(encoding="ascii").splitlines()
    assert len(entries) > 300
    assert entries == sorted(set(entries))
    for entry in entries:
        assert re.fullmatch("[a-z0-9]{15,}", entry), entry
        assert faults_of(entry) == ["PASSWORD_TOO_COMMON"]


def test_ordinary_words_are_no_pattern() -> None:
    """Neighbours on the keyboard stand in every text: `er`, `we`, `as`, `op`."""
    for phrase in ("we were here as poor operators", "trewq is no word we say", "deeper water over there 1999"):
        assert faults_of(phrase) == []


def test_what_is_wrong_is_said_about_the_right_field() -> None:
    faults = FaultList()
    check_password(faults, "short", where="/new_password", minimum=15, context=())
    with pytest.raises(ValidationFailed) as refused:
        faults.check()
    assert refused.value.faults[0].pointer == "/new_password"


@pytest.mark.parametrize(
    ("password", "near"),
    [
        ("a" * 72 + "one tail", "a" * 72 + "another tail"),
        ("é" * 36 + "one", "é" * 36 + "two"),
        ("with a space ", "with a space"),
        (" with a space", "with a space"),
        ("In Any Case", "in any case"),
        ("a" * MAX_LENGTH, "a" * (MAX_LENGTH - 1)),
        ("with\ta tab", "with a tab"),
    ],
)
def test_every_character_counts(password: str, near: str) -> None:
    """Threat 54: nothing is cut off, trimmed or folded."""
    stored = hash_password(password)
    assert verify_password(stored, password)
    assert not verify_password(stored, near)


def test_a_hash_is_argon2id_with_a_salt_of_its_own() -> None:
    one, two = hash_password("the same words"), hash_password("the same words")
    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert one != two
    assert "the same words" not in one
    assert len(one) <= 200


@pytest.mark.parametrize("stored", [None, "", "plain", "$argon2id$", "$2b$12$abcdefghijklmnopqrstuv", "\0"])
def test_nothing_verifies_against_what_is_no_hash(stored: str | None) -> None:
    assert not verify_password(stored, "")
    assert not verify_password(stored, "plain")
    assert not verify_password(stored, "a password that no user has, so that unknown users cost the same time")


def test_a_missing_user_costs_as_much_as_a_wrong_password() -> None:
    """Threat 52: both are compared with a hash of the same cost."""
    stored = hash_password("the right words")

    def cost(found: str | None) -> int:
        with effort() as spent:
            verify_password(found, "the wrong words")
        return spent.calls

    assert cost(stored) == cost(None)
    assert not passwords._hasher.check_needs_rehash(passwords._NOBODY)


def test_a_hash_of_former_parameters_is_renewed() -> None:
    assert passwords.renewed_hash(hash_password("the same words"), "the same words") is None
    assert passwords.renewed_hash(None, "the same words") is None
    renewed = passwords.renewed_hash(
        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ", "the same words"
    )
    assert renewed is not None
    assert renewed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert verify_password(renewed, "the same words")
