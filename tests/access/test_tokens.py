"""Forged, bent and misplaced tokens: 401 each, at once, and never 500 (threats 46, 47, 48; checklist 47)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from oneo.access import tokens
from oneo.config import Settings
from oneo.errors import ConfigurationError, TokenInvalid
from oneo.ids import new_id
from tests import databases
from tests.api import Api
from tests.factories.tenant import TenantFactory, TestTenant

SECRET = databases.JWT_SECRET
Claims = dict[str, Any]


@pytest.fixture(scope="module")
def tenant(owner_app: Flask, app: Flask) -> TestTenant:
    return TenantFactory(owner_app, app).create()


@pytest.fixture(scope="module")
def genuine(tenant: TestTenant) -> str:
    token = tenant.api.token
    assert token is not None
    assert tenant.api.get("/users/").status_code == 200
    return token


def encode(part: object) -> str:
    data = part if isinstance(part, bytes) else json.dumps(part, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims_of(token: str) -> Claims:
    found: Claims = jwt.decode(token, options={"verify_signature": False})
    return found


def spell(header: object, claims: object, signature: str | None = None, *, key: str = SECRET) -> str:
    """A token of any header and any claims; signed with the key when no signature is given."""
    body = f"{encode(header)}.{encode(claims)}"
    if signature is None:
        signature = encode(hmac.new(key.encode(), body.encode(), hashlib.sha256).digest())
    return f"{body}.{signature}"


def assert_refused(answer: TestResponse) -> None:
    assert answer.status_code == 401, answer.text
    assert answer.content_type == "application/problem+json"
    assert (answer.json or {})["code"] in {"TOKEN_INVALID", "TOKEN_EXPIRED", "TOKEN_REVOKED", "AUTHENTICATION_REQUIRED"}
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


HS256 = {"alg": "HS256", "typ": "JWT"}


def test_the_forger_s_tools_make_genuine_tokens(app: Flask, genuine: str) -> None:
    """What follows is refused for what is wrong with it, not because the tests cannot spell a token."""
    assert Api(app, spell(HS256, claims_of(genuine))).get("/users/").status_code == 200


# -- headers -----------------------------------------------------------------------------------------------------------

ALGORITHMS = (
    "none", "None", "NONE", "nOnE", "", " ", "HS256 ", "hs256", "HS384", "HS512", "RS256", "RS512", "ES256", "ES256K",
    "PS256", "EdDSA", "dir", "A128KW", "HS1", "md5", None, True, 256, ["HS256"], {"alg": "HS256"},
)  # fmt: skip


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=str)
@pytest.mark.parametrize("signature", ["none", "old", "new"])
def test_other_algorithms_are_refused(app: Flask, genuine: str, algorithm: object, signature: str) -> None:
    old = genuine.rpartition(".")[2]
    given = {"none": "", "old": old, "new": None}[signature]
    token = spell({"alg": algorithm, "typ": "JWT"}, claims_of(genuine), given)
    assert_refused(Api(app, token).get("/users/"))


@pytest.mark.parametrize(("name", "digest"), [("HS384", hashlib.sha384), ("HS512", hashlib.sha512)])
def test_another_length_of_the_right_signature_is_refused(app: Flask, genuine: str, name: str, digest: Any) -> None:
    body = f"{encode({'alg': name, 'typ': 'JWT'})}.{encode(claims_of(genuine))}"
    signature = encode(hmac.new(SECRET.encode(), body.encode(), digest).digest())
    assert_refused(Api(app, f"{body}.{signature}").get("/users/"))


ATTACKER = "a key of the attacker's own, as long as it has to be"
KEY_HEADERS: dict[str, dict[str, Any]] = {
    "kid: a file": {"kid": "../../../../dev/null"},
    "kid: sql": {"kid": "x' UNION SELECT 'key'--"},
    "kid: a number": {"kid": 0},
    "kid: an object": {"kid": {"a": 1}},
    "jku": {"jku": "http://127.0.0.1:9/jwks.json"},
    "x5u": {"x5u": "http://127.0.0.1:9/cert.pem"},
    "jwk": {"jwk": {"kty": "oct", "k": encode(ATTACKER.encode()), "alg": "HS256"}},
    "x5c": {"x5c": [encode(ATTACKER.encode())]},
    "zip": {"zip": "DEF"},
    "b64": {"b64": False},
    "cty": {"cty": "JWT"},
    "typ": {"typ": "at+jwt"},
}


@pytest.mark.parametrize("header", KEY_HEADERS.values(), ids=KEY_HEADERS.keys())
def test_a_header_does_not_bring_its_own_key(app: Flask, genuine: str, header: dict[str, Any]) -> None:
    token = spell({**HS256, **header}, claims_of(genuine), key=ATTACKER)
    assert_refused(Api(app, token).get("/users/"))


CRITICAL: tuple[dict[str, Any], ...] = (
    {"crit": ["exp"]}, {"crit": ["b64"], "b64": False}, {"crit": ["unknown"], "unknown": 1}, {"crit": []},
    {"crit": "exp"}, {"crit": None}, {"crit": [1]},
)  # fmt: skip


@pytest.mark.parametrize("header", CRITICAL, ids=str)
def test_what_a_header_calls_critical_is_not_passed_over(app: Flask, genuine: str, header: dict[str, Any]) -> None:
    """RFC 7515, 4.1.11: even a right signature does not make up for it."""
    assert_refused(Api(app, spell({**HS256, **header}, claims_of(genuine))).get("/users/"))


# -- claims ------------------------------------------------------------------------------------------------------------

EDITS: dict[str, Callable[[Claims], Claims]] = {
    "another user": lambda claims: {**claims, "sub": str(new_id())},
    "another tenant": lambda claims: {**claims, "tid": str(new_id())},
    "another session": lambda claims: {**claims, "sid": str(new_id())},
    "a later end": lambda claims: {**claims, "exp": claims["exp"] + 1},
    "a role": lambda claims: {**claims, "role": "admin", "is_superuser": True},
    "another version": lambda claims: {**claims, "ver": 2},
    "nothing": lambda _: {},
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_edited_claims_do_not_go_with_the_old_signature(
    app: Flask, genuine: str, edit: Callable[[Claims], Claims]
) -> None:
    header, _, signature = genuine.split(".")
    token = f"{header}.{encode(edit(claims_of(genuine)))}.{signature}"
    assert_refused(Api(app, token).get("/users/"))


def without(*names: str) -> Callable[[Claims], Claims]:
    return lambda claims: {name: value for name, value in claims.items() if name not in names}


WRONG: dict[str, Callable[[Claims], Any]] = {
    "expired": lambda claims: {**claims, "exp": int(time.time()) - 1},
    "expired long ago": lambda claims: {**claims, "exp": 0},
    "expires before time": lambda claims: {**claims, "exp": -1},
    "never expires": without("exp"),
    "expires at null": lambda claims: {**claims, "exp": None},
    "expires in words": lambda claims: {**claims, "exp": "tomorrow"},
    "expires at infinity": lambda claims: {**claims, "exp": float("inf")},
    "expires at no number": lambda claims: {**claims, "exp": float("nan")},
    "expires in a list": lambda claims: {**claims, "exp": [claims["exp"]]},
    "not yet valid": lambda claims: {**claims, "nbf": int(time.time()) + 3600},
    "issued tomorrow": lambda claims: {**claims, "iat": int(time.time()) + 86_400},
    "another issuer": lambda claims: {**claims, "iss": "somebody"},
    "no issuer": without("iss"),
    "another audience": lambda claims: {**claims, "aud": "somebody"},
    "no audience": without("aud"),
    "no user": without("sub"),
    "a user of another kind": lambda claims: {**claims, "sub": 1},
    "a user's name": lambda claims: {**claims, "sub": "admin"},
    "no tenant": without("tid"),
    "a tenant's name": lambda claims: {**claims, "tid": "acme"},
    "a list of tenants": lambda claims: {**claims, "tid": [claims["tid"]]},
    "a tenant that does not exist": lambda claims: {**claims, "tid": str(new_id())},
    "no session": without("sid"),
    "a session that does not exist": lambda claims: {**claims, "sid": str(new_id())},
    "sql for a session": lambda claims: {**claims, "sid": "' OR 1=1 --"},
    "another type": lambda claims: {**claims, "type": "id"},
    "the refresh type": lambda claims: {**claims, "type": "refresh", "rid": str(new_id())},
    "a list of claims": lambda claims: [claims],
    "a text": lambda _: "claims",
    "null": lambda _: None,
    "a number": lambda _: 1,
    "no json": lambda _: b"{",
    "no utf-8": lambda _: b"\xff\xfe",
    "deep json": lambda _: b"[" * 1500 + b"]" * 1500,
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_a_right_signature_does_not_make_up_for_wrong_claims(
    app: Flask, genuine: str, wrong: Callable[[Claims], Any]
) -> None:
    assert_refused(Api(app, spell(HS256, wrong(claims_of(genuine)))).get("/users/"))


# -- keys --------------------------------------------------------------------------------------------------------------

WORDS = (
    "", "secret", "password", "changeme", "change-me", "jwt", "jwt_secret", "jwt-secret", "jwtsecret", "key", "private",
    "token", "auth", "admin", "root", "test", "testing", "dev", "development", "production", "prod", "default", "oneo",
    "oneo_secret", "oneo-secret", "flask", "flask-secret", "your-256-bit-secret", "your_jwt_secret", "super-secret",
    "supersecret", "secretkey", "secret_key", "SECRET_KEY", "mysecret", "my-secret-key", "qwerty", "123456", "12345678",
    "abc123", "letmein", "hunter2", "example", "python", "crm", "acme", "globex", "null", "None", "undefined", "0", "1",
    "true", "false", "HS256", "hmac", "signature", "HMAC_SECRET", "app_secret", "session", "cookie", "api", "apikey",
    "x" * 32, "0" * 64,
)  # fmt: skip


@pytest.mark.parametrize("word", WORDS)
def test_the_key_is_no_word_that_is_tried_first(app: Flask, tenant: TestTenant, genuine: str, word: str) -> None:
    """Threat 47."""
    for key in (word, f"{word}{tenant.slug}"):
        assert_refused(Api(app, spell(HS256, claims_of(genuine), key=key)).get("/users/"))


@pytest.mark.parametrize("word", [*WORDS[1:], "secret" * 8, "changeme-changeme-changeme-changeme", SECRET[:31]])
def test_a_server_does_not_start_with_such_a_key(word: str) -> None:
    with pytest.raises(ConfigurationError, match="ONEO_JWT_SECRET"):
        Settings(database_url="postgresql://x", jwt_secret=word).checked()


def test_a_server_with_a_database_of_its_own_needs_a_key() -> None:
    with pytest.raises(ConfigurationError, match="ONEO_JWT_SECRET"):
        Settings(database_url="postgresql://x").checked()
    assert Settings(database_url="postgresql://x", jwt_secret=SECRET).checked().jwt_secret == SECRET


# -- spelling ----------------------------------------------------------------------------------------------------------

BENT: dict[str, Callable[[str], str]] = {
    "a dot": lambda _: ".",
    "two dots": lambda _: "..",
    "many dots": lambda _: "." * 4000,
    "letters": lambda _: "a.b.c",
    "no signature": lambda token: token.rpartition(".")[0],
    "an empty signature": lambda token: token.rpartition(".")[0] + ".",
    "a part more": lambda token: token + ".e30",
    "a part twice": lambda token: token + token,
    "cut short": lambda token: token[:-8],
    "cut at the front": lambda token: token[1:],
    "first letter of the signature": lambda token: token[:-43] + ("B" if token[-43] == "A" else "A") + token[-42:],
    "upper case": str.upper,
    "reversed": lambda token: token[::-1],
    "plain base64": lambda token: token.replace("-", "+").replace("_", "/") + "!",
    "NUL as text": lambda token: token + "%00",
    "quotes": lambda token: f'"{token}"',
    "a comma": lambda token: f"{token},{token}",
    "two": lambda token: f"{token} {token}",
    "scheme twice": lambda token: f"Bearer {token}",
    "a tab": lambda token: f"\t{token}",
    "letters of another alphabet": lambda token: token + "é",
    "cyrillic": lambda token: token.replace("e", "\u0435", 1).encode().decode("latin-1"),
    "long": lambda token: token + "A" * 5000,
    "very long": lambda _: "A" * 60_000,
    "a deep header": lambda token: f"{encode(b'[' * 1000 + b']' * 1000)}.{token.partition('.')[2]}",
    "a list for a header": lambda token: f"{encode(['HS256'])}.{token.partition('.')[2]}",
    "a null header": lambda token: f"{encode(None)}.{token.partition('.')[2]}",
    "an empty header": lambda token: f"{encode({})}.{token.partition('.')[2]}",
    "a repeated header": lambda token: encode(b'{"alg":"none","alg":"HS256"}') + "." + token.partition(".")[2],
    "an encrypted token": lambda _: f"{encode({'alg': 'dir', 'enc': 'A256GCM'})}..e30.e30.e30",
    "json": lambda token: json.dumps({"payload": token.split(".")[1], "signature": token.split(".")[2]}),
    "sql": lambda _: "'OR/**/1=1--",
    "a key's beginning": lambda _: "oneo_",
    "a key and a token": lambda token: f"oneo_{token}",
}  # fmt: skip


@pytest.mark.parametrize("bend", BENT.values(), ids=BENT.keys())
def test_misspelt_tokens_are_refused(app: Flask, genuine: str, bend: Callable[[str], str]) -> None:
    assert_refused(Api(app, bend(genuine)).get("/users/"))


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "bearer", "Basic {}", "Token {}", "JWT {}", "Bearer:{}", "Bearer\t{}", "{}", "Digest {}",
     "Bearer token={}", "Basic YWRtaW46YWRtaW4=", "Bearer  {}", "Negotiate {}"],
)  # fmt: skip
def test_other_schemes_are_refused(app: Flask, genuine: str, header: str) -> None:
    answer = Api(app).get("/users/", headers={"Authorization": header.format(genuine)})
    assert_refused(answer)


def test_the_scheme_is_read_in_any_case(app: Flask, genuine: str) -> None:
    assert Api(app).get("/users/", headers={"Authorization": f"bEaReR {genuine}"}).status_code == 200


# -- the wrong place, the wrong kind -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["access_token", "token", "jwt", "authorization", "auth", "api_key", "key"])
def test_a_token_in_the_address_counts_for_nothing(app: Flask, genuine: str, name: str) -> None:
    """Threat 48: addresses are logged and shared."""
    assert_refused(Api(app).get(f"/tenants/current/?{name}={genuine}"))


@pytest.mark.parametrize("name", ["access_token_cookie", "access_token", "token", "jwt", "session", "Authorization"])
def test_a_token_in_a_cookie_counts_for_nothing(app: Flask, genuine: str, name: str) -> None:
    """Threat 48: a browser sends cookies for whoever makes it ask."""
    assert_refused(Api(app).get("/users/", headers={"Cookie": f"{name}={genuine}"}))


@pytest.mark.parametrize("name", ["X-Authorization", "Proxy-Authorization", "X-Access-Token", "X-Api-Key", "X-Auth"])
def test_a_token_in_another_header_counts_for_nothing(app: Flask, genuine: str, name: str) -> None:
    assert_refused(Api(app).get("/users/", headers={name: f"Bearer {genuine}"}))


def test_a_token_in_the_body_counts_for_nothing(app: Flask, genuine: str) -> None:
    answer = Api(app).post("/users/", {"email": "a@example.com", "access_token": genuine, "jwt": genuine})
    assert_refused(answer)


def test_access_and_refresh_tokens_do_not_stand_in_for_each_other(app: Flask, tenant: TestTenant) -> None:
    """Threat 48."""
    login = {"tenant": tenant.slug, "email": tenant.admin.email, "password": tenant.admin.password}
    pair = Api(app).post("/auth/login/", login).json
    assert_refused(Api(app, pair["refresh_token"]).get("/users/"))
    swapped = Api(app).post("/auth/refresh/", {"refresh_token": pair["access_token"]})
    assert_refused(swapped)
    assert Api(app, pair["access_token"]).get("/users/").status_code == 200
    assert Api(app).post("/auth/refresh/", {"refresh_token": pair["refresh_token"]}).status_code == 200


@pytest.mark.parametrize("path", ["/users/", "/auth/user/profile/", "/tenants/current/", "/auth/sessions/"])
def test_no_token_is_a_challenge(app: Flask, path: str) -> None:
    answer = Api(app).get(path)
    assert_refused(answer)
    assert answer.json["code"] == "AUTHENTICATION_REQUIRED"
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="oneo"'


# -- API keys ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def key(tenant: TestTenant) -> str:
    made = tenant.api.post("/auth/api-keys/", {"name": "key"})
    assert made.status_code == 201, made.text
    text: str = made.json["key"]
    assert Api(tenant.app, text).get("/users/").status_code == 200
    return text


def respelt(key: str, *, slug: str | None = None, key_id: str | None = None, secret: str | None = None) -> str:
    """With another part, and the checksum that belongs to it."""
    head, old_id, rest = key.rsplit("_", 2)
    body = f"oneo_{slug or head.removeprefix('oneo_')}_{key_id or old_id}_{secret or rest[:-6]}"
    return body + tokens._checksum(body)


KEYS: dict[str, Callable[[str], str]] = {
    "a letter more": lambda key: key + "x",
    "a letter less": lambda key: key[:-1],
    "a wrong checksum": lambda key: key[:-1] + ("0" if key[-1] != "0" else "1"),
    "a wrong letter": lambda key: key[:-20] + ("0" if key[-20] != "0" else "1") + key[-19:],
    "two letters swapped": lambda key: key[:-9] + "Zz" + key[-7:],
    "another case": str.swapcase,
    "no checksum": lambda key: key[:-6],
    "no secret": lambda key: key.rpartition("_")[0],
    "another secret": lambda key: respelt(key, secret=tokens.new_key_secret()),
    "a short secret": lambda key: respelt(key, secret="a"),
    "another id": lambda key: respelt(key, key_id=new_id().hex),
    "no id": lambda key: respelt(key, key_id="x" * 32),
    "an id with a hyphen": lambda key: respelt(key, key_id="-" * 32),
    "a tenant that does not exist": lambda key: respelt(key, slug="nobody"),
    "no tenant": lambda key: respelt(key, slug="_"),
    "sql for a tenant": lambda key: respelt(key, slug="'OR'1'='1"),
    "letters of another alphabet": lambda key: respelt(key, slug="é"),
    "a long tenant": lambda key: respelt(key, slug="a" * 4000),
}


@pytest.mark.parametrize("bend", KEYS.values(), ids=KEYS.keys())
def test_misspelt_keys_are_refused(app: Flask, key: str, bend: Callable[[str], str]) -> None:
    assert_refused(Api(app, bend(key)).get("/users/"))


def test_a_key_belongs_to_its_tenant(app: Flask, tenants: TenantFactory, key: str) -> None:
    assert_refused(Api(app, respelt(key, slug=tenants.create().slug)).get("/users/"))


@pytest.mark.parametrize("at", [6, 12, -45, -30, -10, -3, -1])
def test_a_typo_shows_without_a_look_up(key: str, at: int) -> None:
    """The checksum tells a misspelt key before the database is asked, and secret scanners a real one."""
    letters = list(key)
    letters[at] = "x" if letters[at] != "x" else "y"
    with pytest.raises(TokenInvalid):
        tokens.read_key("".join(letters))


# -- the cache of verified tokens --------------------------------------------------------------------------------------


def test_a_remembered_token_still_expires(app: Flask, genuine: str) -> None:
    end = int(time.time()) + 2
    token = spell(HS256, {**claims_of(genuine), "exp": end})
    for _ in range(2):
        assert Api(app, token).get("/users/").status_code == 200
    time.sleep(end - time.time() + 0.01)
    answer = Api(app, token).get("/users/")
    assert_refused(answer)
    assert answer.json["code"] == "TOKEN_EXPIRED"
