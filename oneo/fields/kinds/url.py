"""Addresses in the web."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Any, ClassVar

from oneo.fields.domains import ascii_domain
from oneo.fields.kinds import options
from oneo.fields.kinds.base import InvalidValue
from oneo.fields.kinds.terms import Option
from oneo.fields.kinds.texts import AnyText, clean

SCHEMES = ("http", "https", "ftp", "ftps", "sftp", "ws", "wss")
"""What a browser or a file client opens; none of them runs a script."""
MAX_LENGTH = 2_048
# Spaces, controls and these would be read differently by different clients.
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\\<>\"{}|^`]")
_PARTS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)(.*)", re.DOTALL)
_PLACE = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]%]+)(?::([0-9]{0,5}))?")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


def read_schemes(value: object) -> list[str]:
    if not isinstance(value, list) or not value:
        raise InvalidValue("WRONG_TYPE", "A list of schemes is expected.", allowed=SCHEMES)
    for at, scheme in enumerate(value):
        if scheme not in SCHEMES:
            raise InvalidValue("NOT_A_CHOICE", "This scheme cannot be allowed.", where=f"/{at}", allowed=SCHEMES)
    return list(dict.fromkeys(value))


class UrlKind(AnyText):
    name = "url"
    about = "An absolute address, its host in ASCII, without a user name or a password."
    json_schema: ClassVar[Mapping[str, Any]] = {"type": "string", "format": "uri"}
    max_length = MAX_LENGTH
    options: ClassVar[Mapping[str, Option]] = {
        "schemes": Option(
            "The schemes that are accepted.", {"type": "array", "items": {"enum": list(SCHEMES)}, "minItems": 1},
            read_schemes, ["http", "https"],
        ),
        "default": options.default_value({"type": "string", "format": "uri"}),
    }  # fmt: skip

    def from_text(self, text: str) -> str:
        return self.from_json(text.strip())

    def normal(self, text: str) -> str:
        found = _PARTS.fullmatch(text)
        if found is None or _UNSAFE.search(text):
            raise InvalidValue("INVALID_URL", "This is not an absolute address.")
        scheme, place, rest = found.groups()
        allowed = self.option("schemes")
        if scheme.lower() not in allowed:
            raise InvalidValue("INVALID_URL", "Addresses of this scheme are not accepted.", allowed=allowed)
        # What is not ASCII behind the host is written as UTF-8 in percents, the way browsers send it.
        path = "".join(char if char.isascii() else "".join(f"%{byte:02X}" for byte in char.encode()) for char in rest)
        return clean(f"{scheme.lower()}://{_place(place)}{path}", MAX_LENGTH)

    def whole(self, text: str) -> str:
        return self.normal(clean(text, MAX_LENGTH))

    @property
    def example(self) -> Any:
        return self.config.get("default", f"{self.option('schemes')[-1]}://example.com/")


def _place(text: str) -> str:
    """Host and port. Raises InvalidValue."""
    if "@" in text:
        raise InvalidValue("INVALID_URL", "An address with a user name or password is not kept.")
    found = _PLACE.fullmatch(text)
    try:
        if found is None or int(found[2] or 0) > 65_535:
            raise AddressValueError(text)
        host = f"[{IPv6Address(found[1][1:-1])}]" if text.startswith("[") else _name(found[1])
    except ValueError:
        raise InvalidValue("INVALID_URL", "The host of this address is not one.") from None
    return f"{host}:{int(found[2])}" if found[2] else host


def _name(host: str) -> str:
    """Raises ValueError."""
    name = ascii_domain(host).lower()
    *_, last = labels = name.split(".")
    if last.isdigit() or last.startswith("0x"):
        # Browsers take such names for addresses, in many spellings; one of them is kept.
        return str(IPv4Address(name))
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise AddressValueError(name)
    return name
