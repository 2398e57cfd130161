"""Bearer tokens: JSON Web Tokens for sessions, prefixed keys for programs. Reading one costs no round trip."""

from __future__ import annotations

import hashlib
import secrets
import time
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
from flask import current_app
from flask_jwt_extended import create_access_token, create_refresh_token, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException

from oneo.actor import CredentialKind
from oneo.errors import TokenExpired, TokenInvalid
from oneo.ids import as_id

ALGORITHM = "HS256"
ISSUER = "oneo"
AUDIENCE = "oneo-api"
KEY_PREFIX = "oneo_"
MAX_TOKEN_LENGTH = 4096
_CACHE_SIZE = 20_000


@dataclass(frozen=True, slots=True)
class Claims:
    """What a genuine, unexpired token says. Whether it still counts is for the gate to decide."""

    tenant_id: UUID
    kind: CredentialKind
    credential_id: UUID
    expires_at: float
    user_id: UUID
    token_id: UUID | None = None


class ClaimsCache:
    """Verified tokens by their text, until they expire: a signature is checked once per process."""

    def __init__(self) -> None:
        self._claims: OrderedDict[str, Claims] = OrderedDict()

    def get(self, token: str) -> Claims | None:
        claims = self._claims.get(token)
        if claims is not None and claims.expires_at <= time.time():
            self._claims.pop(token, None)
            return None
        return claims

    def put(self, token: str, claims: Claims) -> None:
        self._claims[token] = claims
        while len(self._claims) > _CACHE_SIZE:
            self._claims.popitem(last=False)


def configuration(secret: str, access_seconds: int, refresh_seconds: int) -> dict[str, Any]:
    """Settings of the token library: one algorithm, headers only, our issuer and audience."""
    return {
        "JWT_SECRET_KEY": secret,
        "JWT_ALGORITHM": ALGORITHM,
        "JWT_DECODE_ALGORITHMS": [ALGORITHM],
        "JWT_TOKEN_LOCATION": ["headers"],
        "JWT_ENCODE_ISSUER": ISSUER,
        "JWT_DECODE_ISSUER": ISSUER,
        "JWT_ENCODE_AUDIENCE": AUDIENCE,
        "JWT_DECODE_AUDIENCE": AUDIENCE,
        "JWT_ACCESS_TOKEN_EXPIRES": timedelta(seconds=access_seconds),
        "JWT_REFRESH_TOKEN_EXPIRES": timedelta(seconds=refresh_seconds),
        "JWT_DECODE_LEEWAY": 0,
    }


def issue_access(tenant_id: UUID, user_id: UUID, session_id: UUID) -> str:
    token: str = create_access_token(
        str(user_id), additional_claims={"tid": str(tenant_id), "sid": str(session_id), "ver": 1}
    )
    return token


def issue_refresh(tenant_id: UUID, user_id: UUID, session_id: UUID, refresh_id: UUID) -> str:
    token: str = create_refresh_token(
        str(user_id),
        additional_claims={"tid": str(tenant_id), "sid": str(session_id), "rid": str(refresh_id), "ver": 1},
    )
    return token


def read_access(token: str) -> Claims:
    """Raises TokenInvalid or TokenExpired."""
    cache: ClaimsCache = current_app.extensions["oneo.claims"]
    claims = cache.get(token)
    if claims is None:
        claims = _decode(token, "access")
        cache.put(token, claims)
    return claims


def read_refresh(token: str) -> Claims:
    """Raises TokenInvalid or TokenExpired."""
    return _decode(token, "refresh")


def _decode(token: str, kind: str) -> Claims:
    if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
        raise TokenInvalid
    try:
        claims = decode_token(token)
    except jwt.ExpiredSignatureError:
        raise TokenExpired from None
    except (jwt.PyJWTError, JWTExtendedException, ValueError, TypeError, KeyError, RecursionError):
        raise TokenInvalid from None
    tenant_id, session_id, user_id = (as_id(claims.get(name)) for name in ("tid", "sid", "sub"))
    refresh_id = as_id(claims.get("rid")) if kind == "refresh" else None
    genuine = claims.get("type") == kind and (refresh_id is not None or kind == "access") and "exp" in claims
    if not genuine or tenant_id is None or session_id is None or user_id is None:
        raise TokenInvalid
    return Claims(tenant_id, CredentialKind.SESSION, session_id, float(claims["exp"]), user_id, refresh_id)


# -- API keys: oneo_<tenant slug>_<key id>_<secret and checksum> -----------------------------------------------------

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SECRET_LENGTH = 43
_CHECKSUM_LENGTH = 6


@dataclass(frozen=True, slots=True)
class KeyParts:
    tenant_slug: str
    key_id: UUID
    secret_hash: str


def new_key_secret() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH))


def spell_key(tenant_slug: str, key_id: UUID, secret: str) -> str:
    body = f"{KEY_PREFIX}{tenant_slug}_{key_id.hex}_{secret}"
    return body + _checksum(body)


def read_key(token: str) -> KeyParts:
    """Raises TokenInvalid when the text is no key of ours; a typo shows in the checksum, without a look-up."""
    if len(token) > MAX_TOKEN_LENGTH or not token.isascii() or not token.startswith(KEY_PREFIX):
        raise TokenInvalid
    body, checksum = token[:-_CHECKSUM_LENGTH], token[-_CHECKSUM_LENGTH:]
    parts = body[len(KEY_PREFIX) :].rsplit("_", 2)
    if len(parts) != 3 or len(parts[2]) != _SECRET_LENGTH or _checksum(body) != checksum:
        raise TokenInvalid
    try:
        key_id = UUID(hex=parts[1])
    except ValueError:
        raise TokenInvalid from None
    return KeyParts(parts[0], key_id, hash_key_secret(parts[2]))


def hash_key_secret(secret: str) -> str:
    """A fast hash is enough: the secret has 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits += _ALPHABET[digit]
    return digits
