"""What nobody should send, and what no answer to it may show."""

from __future__ import annotations

import gzip
import io
import pickle
import re
import zlib
from dataclasses import dataclass, field

from werkzeug.test import TestResponse

JSON = "application/json"
INTERNALS = re.compile(
    r"psycopg|sqlalchemy|marshmallow|webargs|werkzeug|flask|orjson|jwt\.|argon2|Traceback|File \"|line \d+, in |"
    r"/oneo/|\.py\b|site-packages|\bSELECT\s|\bINSERT INTO|\bUPDATE \w+ SET|\bDELETE FROM|\bFROM \w+ WHERE|tenant_id =|"
    r"pg_catalog|relation \"|column \"|constraint \"|syntax error at|duplicate key value|row-level security|"
    r"uq_\w+|fk_\w+|pk_\w+|ck_\w+|<class '|object at 0x|NoneType|KeyError|ValueError|TypeError|AttributeError|"
    r"password_hash|secret_hash|oneo_app|current_setting",
    re.IGNORECASE,
)
ALLOWED = ("/api/v1/errors/",)


@dataclass(frozen=True)
class Body:
    """Bytes with their media type, and the statuses that are right for them."""

    name: str
    data: bytes
    content_type: str | None = JSON
    statuses: tuple[int, ...] = (400,)
    headers: dict[str, str] = field(default_factory=dict)


def _value(json: str) -> bytes:
    return b'{"name": ' + json.encode() + b"}"


def _gzip_bomb(size: int) -> bytes:
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=9) as file:
        chunk = b" " * 1_000_000
        for _ in range(size // len(chunk)):
            file.write(chunk)
    return out.getvalue()


_MULTIPART = b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nv\r\n--x--\r\n'
_FLOOD = b'--x\r\nContent-Disposition: form-data; name="n"\r\n\r\nv\r\n' * 20_000 + b"--x--\r\n"
_GZIP = {"Content-Encoding": "gzip"}

NOT_JSON = (
    Body("empty", b""),
    Body("blank", b" \n\t "),
    Body("half an object", b"{"),
    Body("half a text", b'{"name": "a'),
    Body("trailing comma", b'{"name": "a",}'),
    Body("two values", b'{"name": "a"}{"name": "b"}'),
    Body("comment", b'{"name": "a" /* b */}'),
    Body("single quotes", b"{'name': 'a'}"),
    Body("bare key", b'{name: "a"}'),
    Body("bare word", b"undefined"),
    Body("python", b"{'name': None}"),
    Body("a NUL byte", b'{"name": "a\x00b"}'),
    Body("a newline in a text", b'{"name": "a\nb"}'),
    Body("bad escape", b'{"name": "\\q"}'),
    Body("short escape", b'{"name": "\\u12"}'),
    Body("BOM", b'\xef\xbb\xbf{"name": "a"}'),
    Body("UTF-16", '{"name": "a"}'.encode("utf-16")),
    Body("UTF-16 without BOM", '{"name": "a"}'.encode("utf-16-le")),
    Body("UTF-32", '{"name": "a"}'.encode("utf-32")),
    Body("Latin-1", '{"name": "é"}'.encode("latin-1")),
    Body("broken UTF-8", b'{"name": "\xff\xfe"}'),
    Body("overlong UTF-8", b'{"name": "\xc0\xaf"}'),
    Body("surrogate in UTF-8", b'{"name": "\xed\xa0\x80"}'),
    Body("duplicate keys", b'{"name": "a", "name": "b"}'),
    Body("duplicate escaped keys", b'{"name": "a", "n\\u0061me": "b"}'),
    Body("duplicate nested keys", b'{"name": {"a": 1, "a": 2}}'),
    Body("NaN", _value("NaN")),
    Body("Infinity", _value("Infinity")),
    Body("-Infinity", _value("-Infinity")),
    Body("1e309", _value("1e309")),
    Body("-1e309", _value("-1e309")),
    Body("1e-400", _value("1e-400")),
    Body("-1e-400", _value("-1e-400")),
    Body("500 digits", _value("1" * 500)),
    Body("hexadecimal", _value("0x10")),
    Body("leading zero", _value("01")),
    Body("plus", _value("+1")),
    Body("5000 digits", _value("1" * 5000)),
    Body("5000 decimals", _value("0." + "1" * 5000)),
    Body("huge exponent", _value("1e999999999")),
    Body("escaped NUL in a value", _value('"a\\u0000b"')),
    Body("escaped NUL in a key", b'{"a\\u0000": 1}'),
    Body("lone high surrogate", _value('"\\ud800"')),
    Body("lone low surrogate", _value('"\\udc00"')),
    Body("lone surrogate in a key", b'{"\\ud800": 1}'),
    Body("reversed surrogates", _value('"\\udc00\\ud800"')),
    Body("100 000 arrays", b"[" * 100_000 + b"]" * 100_000, statuses=(400, 413)),
    Body("100 000 open arrays", b"[" * 100_000, statuses=(400, 413)),
    Body("100 000 objects", b'{"a":' * 100_000 + b"1" + b"}" * 100_000, statuses=(400, 413)),
    Body("65 levels", b'{"name":' + b"[" * 64 + b"]" * 64 + b"}"),
    Body("XML as JSON", b"<?xml version='1.0'?><a/>"),
    Body("entity bomb as JSON", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
    Body("pickle as JSON", pickle.dumps({"name": "a"})),
    Body("gzip without saying so", gzip.compress(b'{"name": "a"}')),
    Body("truncated gzip", gzip.compress(b'{"name": "a"}')[:-6], headers=_GZIP),
    Body("gzip and a tail", gzip.compress(b'{"name": "a"}') + b"tail", headers=_GZIP),
    Body("no gzip at all", b'{"name": "a"}', headers=_GZIP),
    Body("empty gzip", b"", headers=_GZIP),
    Body("gzip bomb", _gzip_bomb(300_000_000), statuses=(413,), headers=_GZIP),
    Body("gzip of a gzip", gzip.compress(gzip.compress(b"{}")), headers=_GZIP),
    Body("broken deflate", zlib.compress(b'{"name": "a"}')[:-3], headers={"Content-Encoding": "deflate"}),
    Body("unknown encoding", b"{}", statuses=(415,), headers={"Content-Encoding": "br"}),
    Body("two encodings", b"{}", statuses=(415,), headers={"Content-Encoding": "gzip, gzip"}),
    Body("no media type", b'{"name": "a"}', None, (415,)),
    Body("text", b'{"name": "a"}', "text/plain", (415,)),
    Body("XML", b"<a/>", "application/xml", (415,)),
    Body("form", b"name=a", "application/x-www-form-urlencoded", (415,)),
    Body("multipart", _MULTIPART, "multipart/form-data; boundary=x", (415,)),
    Body("multipart flood", _FLOOD, "multipart/form-data; boundary=x", (415,)),
    Body("pickle", pickle.dumps({"name": "a"}), "application/x-python-pickle", (415,)),
    Body("another charset", b'{"name": "a"}', "application/json; charset=utf-16", (415,)),
    Body("a broken media type", b'{"name": "a"}', "application/json;;;=", (200, 201, 400, 401, 415, 422)),
    Body("no media type but its half", b'{"name": "a"}', "json", (415,)),
)
NOT_AN_OBJECT = tuple(
    Body(f"not an object: {text}", text.encode(), statuses=(422,))
    for text in ("[]", "null", "1", '"name"', "true", "[[]]", '[{"name": "a"}]')
)
OVERSIZE = Body("30 MB", b'{"name": "' + b"a" * 30_000_000 + b'"}', statuses=(413,))


def assert_tells_nothing(response: TestResponse, *, said: str = "") -> None:
    """No name of a library, statement, path or constraint stands in the answer, but what the caller said himself."""
    text = f"{response.text}\n{response.headers}"
    for allowed in (*ALLOWED, *re.findall(r"\w{4,}", said)):
        text = text.replace(allowed, "")
    found = INTERNALS.search(text)
    assert found is None, f"{found[0]!r} in {text[:2000]}"


def assert_problem_shape(response: TestResponse, *, said: str = "") -> None:
    """Status, media type and members as every problem has them."""
    assert response.content_type == "application/problem+json", response.text[:500]
    body = response.get_json()
    assert body["status"] == response.status_code
    assert body["type"] == f"/api/v1/errors/{body['code']}"
    assert list(body)[:8] == ["type", "title", "status", "detail", "instance", "code", "errors", "request_id"]
    assert body["request_id"] == response.headers["X-Request-Id"]
    for fault in body["errors"]:
        assert {"pointer", "field", "code", "message"} <= fault.keys() <= {
            "pointer", "field", "code", "message", "allowed", "suggestion",
        }  # fmt: skip
    assert_tells_nothing(response, said=said)
