"""What narrows `contains` for an index of trigrams leaves out no record, on whatever server (ADR 22)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oneo import exact_json
from oneo.fields.kinds.registry import kind_named
from oneo.fields.shapes import FieldShape, PipelineShape
from oneo.filters.columns import Catalogue
from oneo.filters.compile import compile_filter
from oneo.filters.data import catalogue
from oneo.filters.parse import parse_json
from oneo.filters.trigrams import as_in_json

TENANT = str(UUID(int=1))
TEXTS = (
    'say "cheese" now', '""', "C:\\new\\table", "\\\\host\\share", "100% sure", "100 percent", "snake_case",
    "snakeXcase", "Müller & Söhne", "MÜLLER", "straße", "ÉCOLE", "\U0001f600 smile \U0001f600\U0001f600", "tab\there",
    "tab\\there", "line\nbreak", "line\\nbreak", "\r\n\f\bend", "bell\x07bell", "unit\x1funit\x7f", "u001funit",
    "[one, two]", '", "', "a/b</script>", "don't", "\u2028sep", "日本語テキスト", "ab", "", "x" * 300 + "yes",
)  # fmt: skip
NEEDLES = (
    *TEXTS, '"cheese"', 'e" n', "\\new", "w\\t", "\\\\h", "0% s", "%", "_", "e_c", "snake_", "ÜLLER", "müller & s",
    "ASSE", "école", "smile \U0001f600", "\U0001f600", "\t", "b\th", "tab\\t", "e\nb", "\nbreak", "\\nbre", "\r\n",
    "\bend", "\x07bell", "\x1funit", "unit\x7f", "\\u001f", "x" * 200, "xyes", "日本語", "テキ", "one, two", "it",
    "its", "data", "other", "nowhere",
)  # fmt: skip


def shape(*, trigrams: bool, title_field: str | None = None) -> PipelineShape:
    fields = {
        slug: FieldShape(UUID(int=at), slug, slug, "", kind_named("text", {}), is_required=False, in_list=True)
        for at, slug in enumerate(("it", "its"))
    }
    return PipelineShape(
        id=UUID(int=0), slug="things", name="Things", graphql_name="Things", description="", is_active=True,
        title_field=title_field, fields=fields, removed=frozenset(), written={}, version=1, trigrams=trigrams,
    )  # fmt: skip


PLAIN, NARROWED = (catalogue(shape(trigrams=there), frozenset()) for there in (False, True))


@pytest.fixture(scope="module")
def cursor(database_address: str) -> Iterator[Any]:
    connection = psycopg2.connect(database_address)
    connection.autocommit = True
    with connection.cursor() as found:
        found.execute("SELECT set_config('oneo.tenant', %s, false)", [TENANT])
        yield found
    connection.close()


def found(cursor: Any, texts: Sequence[str], asked: object, of: Catalogue) -> list[int]:
    """Which of the texts, each of which stands in a record among other values."""
    data = [exact_json.dumps({"its": text, "it": "other", "n": 1, "deep": ["x"]}) for text in texts]
    where = compile_filter(parse_json(asked, of), of)
    cursor.execute(
        "SELECT r.n FROM (SELECT %s::uuid AS tenant_id, u.* FROM unnest(%s::jsonb[]) WITH ORDINALITY AS u(data, n)) r "
        f"WHERE {where.text} ORDER BY r.n",
        [TENANT, data, *where.values],
    )
    return [row[0] - 1 for row in cursor.fetchall()]


@pytest.mark.parametrize("operator", ["contains", "not_contains"])
@pytest.mark.parametrize("needle", NEEDLES)
def test_the_same_records_are_found(cursor: Any, needle: str, operator: str) -> None:
    asked = {"data__its": {operator: needle}}
    plain = found(cursor, TEXTS, asked, PLAIN)
    assert found(cursor, TEXTS, asked, NARROWED) == plain
    holding = {at for at, text in enumerate(TEXTS) if needle in text}
    assert holding <= set(plain) if operator == "contains" else not holding & set(plain)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.text('abcXYZ1 "\\%_\n\t\x01\x1fäÖß\U0001f600,[]nrtu0', max_size=12), min_size=1, max_size=4),
    start=st.integers(0, 6), length=st.integers(1, 8), swapped=st.booleans(),
)  # fmt: skip
def test_whatever_stands_in_a_text_is_found(
    cursor: Any, texts: list[str], start: int, length: int, *, swapped: bool
) -> None:
    needle = texts[0][start : start + length]
    asked = {"data__its": {"contains": needle.swapcase() if swapped else needle}}
    plain = found(cursor, texts, asked, PLAIN)
    assert found(cursor, texts, asked, NARROWED) == plain
    assert swapped or 0 in plain


def test_a_text_is_written_as_postgresql_writes_it(cursor: Any) -> None:
    signs = [chr(code) for code in (*range(1, 0x250), 0x2028, 0x2029, 0xFFFD, 0xFFFF, 0x1F600)]
    cursor.execute("SELECT to_jsonb(t)::text FROM unnest(%s) WITH ORDINALITY AS u(t, n) ORDER BY n", [signs])
    assert [row[0] for row in cursor.fetchall()] == [f'"{as_in_json(sign)}"' for sign in signs]


@pytest.mark.parametrize(
    ("needle", "narrows"),
    [("abc", True), ("ab", False), ("a b c", False), ("a-bcd", True), ("___", False), ("\n\n\n", False), ("äöü", True),
     ("\U0001f600\U0001f600\U0001f600", False), ("123", True)],
)  # fmt: skip
def test_three_letters_in_a_row_are_needed(needle: str, *, narrows: bool) -> None:
    texts = {of["data__its"].test("contains", needle).text for of in (PLAIN, NARROWED)}
    assert (len(texts) == 2) is narrows


def test_states_that_no_index_holds_are_asked_plainly() -> None:
    plain = PLAIN["data__its"].test("contains", "needle")
    titled = shape(trigrams=True, title_field="its")
    for name in ("data__its", "title"):
        assert catalogue(titled, frozenset(), slots=False)[name].test("contains", "needle") == plain
        assert catalogue(titled, frozenset())[name].test("contains", "needle") != plain
