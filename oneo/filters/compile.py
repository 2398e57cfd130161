"""The AST to SQL text with bound values. Missing values match no comparison, and `not` includes them."""

from __future__ import annotations

from dataclasses import dataclass, field

from oneo.filters.ast import And, Catalogue, Column, Comparison, Node, Not, Or

_SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


@dataclass(slots=True)
class Sql:
    """A piece of SQL and the values for its placeholders, in order."""

    text: str
    values: list[object] = field(default_factory=list)


def compile_filter(node: Node, catalogue: Catalogue) -> Sql:
    """A boolean expression that is never NULL."""
    match node:
        case And(parts):
            return _join(" AND ", parts, "true", catalogue)
        case Or(parts):
            return _join(" OR ", parts, "false", catalogue)
        case Not(part):
            inner = compile_filter(part, catalogue)
            return Sql(f"NOT {inner.text}", inner.values)
        case Comparison():
            return _comparison(node, catalogue[node.name])


def compile_search(text: str, expressions: tuple[str, ...]) -> Sql:
    """Any of the expressions contains the text, whatever the case."""
    found = " OR ".join(f"{expression} ILIKE %s" for expression in expressions)
    return Sql(f"({found})", [f"%{_literal(text)}%"] * len(expressions))


def _join(word: str, parts: tuple[Node, ...], empty: str, catalogue: Catalogue) -> Sql:
    if not parts:
        return Sql(empty)
    compiled = [compile_filter(part, catalogue) for part in parts]
    if len(compiled) == 1:
        return compiled[0]
    return Sql(f"({word.join(part.text for part in compiled)})", [value for part in compiled for value in part.values])


def _comparison(node: Comparison, column: Column) -> Sql:
    sql, cast = column.sql, column.type.sql_type
    match node.operator:
        case "exists":
            return Sql(f"({sql} IS {'NOT ' if node.value else ''}NULL)")
        case "exact" | "not" if node.value is None:
            return Sql(f"({sql} IS {'NOT ' if node.operator == 'not' else ''}NULL)")
        case "exact":
            return _known(column, f"{sql} = %s::{cast}", node.value)
        case "not":
            return Sql(f"({sql} IS DISTINCT FROM %s::{cast})", [node.value])
        case "in":
            return _known(column, f"{sql} = ANY(%s::{cast}[])", node.value)
        case "not_in":
            return Sql(f"({sql} = ANY(%s::{cast}[])) IS NOT TRUE", [node.value])
        case "contains":
            return _known(column, f"{sql} ILIKE %s", f"%{_literal(str(node.value))}%")
        case "not_contains":
            return Sql(f"({sql} ILIKE %s) IS NOT TRUE", [f"%{_literal(str(node.value))}%"])
        case "startswith":
            return _known(column, f"starts_with({sql}, %s)", node.value)
        case _:
            return _known(column, f"{sql} {_SIGNS[node.operator]} %s::{cast}", node.value)


def _known(column: Column, test: str, value: object) -> Sql:
    return Sql(f"({test}) IS TRUE" if column.nullable else f"({test})", [value])


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
