"""Slugs that are made from names."""

from __future__ import annotations

import pytest

from oneo.fields.slugs import MAX_LENGTH, is_slug, slug_from


@pytest.mark.parametrize(("name", "slug"), [
    ("Net Amount", "net_amount"), ("Größe", "grosse"), ("Straße", "strasse"), ("Łódź", "lodz"),
    ("Æther øl", "aether_ol"),
    ("İstanbul", "istanbul"), ("Crème brûlée", "creme_brulee"), ("Cre\u0300me", "creme"), ("Phở", "pho"),
    ("\ufb01ve \uff12", "five_2"), ("1st Ðing", "st_ding"), ("2. Kontakt-Person", "kontakt_person"),
    ("Kunde 客户", "kunde"),
    ("商談", ""), ("Договоры", ""), ("---", ""), ("42", ""),
])  # fmt: skip
def test_a_name_becomes_a_slug_without_the_marks_of_its_letters(name: str, slug: str) -> None:
    assert slug_from(name) == slug


@pytest.mark.parametrize("name", ["ß" * 60, "a b " * 40, "ﷺ x", "x" * 47 + " yz"])
def test_what_is_made_of_a_name_is_a_slug(name: str) -> None:
    found = slug_from(name)
    assert is_slug(found), found
    assert len(found) <= MAX_LENGTH
