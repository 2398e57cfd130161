"""Encoding a domain name costs little, however it is made."""

from __future__ import annotations

import pytest

from oneo.fields.domains import MAX_LABEL, ascii_domain
from tests.effort import effort


def _distinct(count: int) -> str:
    """Characters far from each other, which are the most work to encode."""
    return "".join(chr(0x4E00 + 37 * at) for at in range(count))


def test_a_label_that_cannot_fit_is_refused_before_it_is_encoded() -> None:
    with effort() as mapping, pytest.raises(ValueError, match="63"):
        ascii_domain(_distinct(MAX_LABEL + 1))
    with effort() as encoding, pytest.raises(ValueError, match="Label"):
        ascii_domain(_distinct(MAX_LABEL))
    assert mapping.calls < encoding.calls / 2


def test_the_longest_label_is_taken() -> None:
    longest = "\u00fc" * 57
    assert len(ascii_domain(f"{longest}.example").partition(".")[0]) == 63
