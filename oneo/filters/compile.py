"""The AST to SQL text with bound values. Missing values match no comparison, and `not` includes them."""

from __future__ import annotations

from oneo.filters.ast import And, Comparison, Node, Not, Or, Related
from oneo.filters.columns import Catalogue
from oneo.filters.sql import Sql, all_of, any_of, like

_POSITIVE = {"not": "exact", "not_in": "in", "not_contains": "contains"}


def compile_filter(node: Node, catalogue: Catalogue) -> Sql:
    """A condition that is true for the rows that match and false or NULL for all others.

    Negation is carried down to the comparisons: what is asked plainly stays a plain test, which an index serves.
    """
    return _compile(node, catalogue, negated=False)


def compile_search(text: str, expressions: tuple[str, ...]) -> Sql:
    """Any of the expressions contains the text, whatever the case."""
    found = " OR ".join(f"{expression} ILIKE %s" for expression in expressions)
    return Sql(f"({found})", [like(text)] * len(expressions))


def _compile(node: Node, catalogue: Catalogue, *, negated: bool) -> Sql:
    match node:
        case Not(part):
            return _compile(part, catalogue, negated=not negated)
        case And(parts) | Or(parts):
            join = all_of if isinstance(node, And) != negated else any_of
            return join([_compile(part, catalogue, negated=negated) for part in parts])
        case Comparison(name, operator, value):
            positive = _POSITIVE.get(operator, operator)
            test = catalogue[name].test(positive, value)
            return Sql(f"({test.text} IS NOT TRUE)", test.values) if negated != (positive != operator) else test
        case Related(hop, asked, link, counts):
            far = _compile(asked, hop.columns, negated=False)
            own = _compile(link, hop.link_columns, negated=False)
            if not counts:
                return hop.any(far, own, negated=negated)
            found = hop.compared(far, own, counts)
            return Sql(f"(NOT {found.text})", found.values) if negated else found
