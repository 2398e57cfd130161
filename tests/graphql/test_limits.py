"""Documents made to hurt: each is refused soon, never with a 5xx, and nobody else waits (checklist 92)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from graphql import get_introspection_query, parse

from oneo.graphql.documents import MAX_KEPT_CHARACTERS, Documents
from oneo.graphql.limits import excess
from tests.api import Api
from tests.effort import effort

ENOUGH = 1_000_000
"""A refusal may cost so many calls of functions."""


def _doubling(count: int, on: str, field: str) -> str:
    links = " ".join(f"fragment F{n} on {on} {{ ...F{n + 1} ...F{n + 1} {field} }}" for n in range(count - 1))
    return f"{{ currentUser {{ ...F0 }} }} {links} fragment F{count - 1} on {on} {{ {field} }}"


def _wide(count: int) -> str:
    fields = "id email name isActive userTypes timezone locale createdAt updatedAt version"
    parts = " ".join(f"fragment F{n} on User {{ {fields} }}" for n in range(count))
    return f"{{ currentUser {{ {' '.join(f'...F{n}' for n in range(count))} }} }} {parts}"


_DEEP_TYPE = "{name ofType" * 60 + "{name}" + "}" * 60
ATTACKS = {
    "depth 21": "{" + "a{" * 20 + "b" + "}" * 21,
    "depth 190": "{" + "a{" * 189 + "b" + "}" * 190,
    "depth 30 000": "{" + "a{" * 30_000,
    "inline fragments 30 000": "{" + "...{" * 30_000,
    "introspection depth": "{__schema{types" + "{fields{type" * 9 + "{name}" + "}}" * 9 + "}}",
    "introspection of types": f"{{__schema{{types{_DEEP_TYPE}}}}}",
    "introspection in fragments": "{__schema{types{...A}}} fragment A on __Type {fields{type{...B}}} "
    "fragment B on __Type {fields{type{fields{type{fields{name}}}}}}",
    **{f"aliases {n}": f"{{currentUser{{{' '.join(f'a{i}:id' for i in range(n))}}}}}" for n in (31, 50, 1_000, 10_000)},
    **{f"aliased roots {n}": f"{{{' '.join(f'a{i}:currentUser{{id}}' for i in range(n))}}}" for n in (31, 100, 1_000)},
    **{f"repeats {n}": f"{{currentUser{{{'id ' * n}}}}}" for n in (22, 999, 4_900, 50_000)},
    "repeats unused": "{__typename} fragment A on User {" + "id " * 4_900 + "}",
    "repeated objects": "{" + "currentUser{id email name} " * 800 + "}",
    "cycle of one": "{currentUser{...A}} fragment A on User {...A}",
    "cycle of two": "{currentUser{...A}} fragment A on User {...B} fragment B on User {...A}",
    "cycle of fifty": "{currentUser{...F0}} "
    + " ".join(f"fragment F{n} on User {{...F{(n + 1) % 50}}}" for n in range(50)),
    "cycle in a cycle": "{currentUser{...A ...A}} fragment A on User {...B ...B} fragment B on User {...A ...A id}",
    "doubling 2^30": _doubling(31, "User", "id"),
    "doubling 2^49": _doubling(50, "User", "version"),
    "fragments 51": _wide(51),
    "fragments 2 000": "{__typename} " + " ".join(f"fragment F{n} on User {{id}}" for n in range(2_000)),
    **{f"directives {n}": "{currentUser{id " + "@skip(if:false) " * n + "}}" for n in (51, 700, 10_000)},
    "unknown directives": "{currentUser{id " + "@a" * 1_500 + "}}",
    "directives on variables": "query(" + " ".join(f"$a{n}:Int @b" for n in range(60)) + "){__typename}",
    "operations 21": " ".join(f"query A{n} {{__typename}}" for n in range(21)),
    "operations 1 500": " ".join(f"query A{n} {{__typename}}" for n in range(1_500)),
    "variables 1 200": "query(" + " ".join(f"$a{n}:Int" for n in range(1_200)) + "){__typename}",
    "unknown fields": "{currentUser{" + " ".join(f"f{n}" for n in range(999)) + "}}",
    "similar fields": "{currentUser{" + " ".join(f"emai{n}" for n in range(999)) + "}}",
    "long name": "{" + "a" * 90_000 + "}",
    "list of 50 000": "{currentUser(a:" + "[" * 50_000 + "]" * 50_000 + "){id}}",
    "object of 150": "{currentUser(a:" + "{a:" * 150 + "1" + "}" * 150 + "){id}}",
    "digits": '{__type(name:"a"){fields(includeDeprecated:' + "1" * 90_000 + "){name}}}",
    "float digits": '{__type(name:"a"){fields(includeDeprecated:1.' + "1" * 90_000 + "e9999){name}}}",
    "long string": '{__type(name:"' + "a" * 99_000 + '\n"){name}}',
    "block string": '{__type(name:"""' + "\n " * 40_000 + "}",
    "comments": "#\n" * 40_000 + "{__typename}",
    "commas": "{" + "," * 90_000,
    "too long": "{__typename}" + " " * 100_000,
    "20 MB of spaces": "{__typename" + " " * 20_000_000 + "}",
    "control characters": "{\x01}",
    "type definitions": "type A {a: Int} " * 700,
}  # fmt: skip


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_fast(anyone: Api, name: str) -> None:
    anyone.post("/graphql", {"query": "{__typename}"})
    with effort() as spent:
        answer = anyone.post("/graphql", {"query": ATTACKS[name]})
    assert answer.status_code in {400, 413, 422}, answer.text[:300]
    assert answer.json["errors"]
    assert len(answer.get_data()) < 30_000
    assert spent.calls < ENOUGH


@pytest.mark.parametrize(
    "variables",
    [
        {"a": "x" * 10_000_000},
        {"a": list(range(1_000_000))},
        {f"a{n}": n for n in range(200_000)},
        {"a": 10**300},
        {"a": [[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]},
    ],
    ids=["text", "list", "many", "digits", "nested"],
)
def test_large_variables_cost_little(anyone: Api, variables: dict[str, Any]) -> None:
    query = "query($a: Boolean!) {__typename @skip(if: $a)}"
    body = json.dumps({"query": query, "variables": variables})
    with effort() as spent:
        answer = anyone.request("POST", "/graphql", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}, "too many values are refused before they are parsed"
    assert len(answer.get_data()) < 5_000
    assert spent.calls < ENOUGH


def test_a_valid_document_may_be_large(anyone: Api) -> None:
    for query in (_wide(50), get_introspection_query(schema_description=True), "{currentUser{" + "id " * 21 + "}}"):
        answer = anyone.post("/graphql", {"query": query})
        assert answer.status_code == 200, answer.text[:300]


def test_what_fragments_bring_in_is_counted() -> None:
    assert excess(parse("{...A} fragment A on Query {...B} fragment B on Query {a{b}}")) is None
    deep = "{...A} fragment A on Query {a{a{a{a{a{a{a{...B}}}}}}}} fragment B on A {" + "a{" * 14 + "b" + "}" * 15
    assert "20 levels" in str(excess(parse(deep)))
    aliases = "{...A ...A ...A ...A} fragment A on Query {" + " ".join(f"a{n}:b" for n in range(8)) + "}"
    assert "30 aliases" in str(excess(parse(aliases)))


def test_kept_documents_are_bounded(in_app: object) -> None:
    documents = Documents()
    for number in range(100):
        documents.get(f"query A{number} {{currentUser{{id}}}} # {'x' * 10_000}")
    assert documents._characters == sum(map(len, documents._kept)) <= MAX_KEPT_CHARACTERS
    last = next(reversed(documents._kept))
    assert documents.get(last) is documents.get(last)
    documents.get("{__typename}" + " " * 50_000)
    assert next(reversed(documents._kept)) == last
