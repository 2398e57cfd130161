"""The AST to SQL text with bound values. Missing values match no comparison, and `not` includes them."""

from __future__ import annotations

from oneo.errors import Fault, InvalidParameter
from oneo.filters.ast import And, Comparison, Node, Not, Or, Related
from oneo.filters.columns import Catalogue
from oneo.filters.sql import Sql, all_of, any_of, like

MAX_PLANNED = 6_000
"""Comparisons that PostgreSQL may have to plan for a filter, at ten to fifteen kilobytes of memory each. Ten relations
in any arrangement remain below it.
"""
_PLANS_OF_A_STEP = 2
"""PostgreSQL plans an EXISTS within other conditions twice: for each row by itself, and for all of them by a hash."""
_PLANNED_BY_A_STEP = 10
_CHARACTERS = 60
"""Of a comparison in the text of a row rule."""
_POSITIVE = {"not": "exact", "not_in": "in", "not_contains": "contains"}


def compile_filter(node: Node, catalogue: Catalogue) -> Sql:
    """A condition that is true for the rows that match and false or NULL for all others.

    Negation is carried down to the comparisons: what is asked plainly stays a plain test, which an index serves.
    Raises InvalidParameter for what would take the database too much memory to plan.
    """
    if planned_comparisons(node, catalogue) > MAX_PLANNED:
        message = "The filter asks too much: use fewer conditions in nested relations, or give each a `pipeline`."
        raise InvalidParameter(faults=[Fault("/filter", "INVALID_FILTER", message)])
    return _compile(node, catalogue, negated=False)


def planned_comparisons(node: Node, catalogue: Catalogue) -> int:
    """How many comparisons PostgreSQL plans for the filter. A step along relationships multiplies those behind it: they
    stand in the statement once for each way that the step can lead.
    """
    match node:
        case Not(part):
            return planned_comparisons(part, catalogue)
        case And(parts) | Or(parts):
            return sum(planned_comparisons(part, catalogue) for part in parts)
        case Comparison(name, _, value):
            return catalogue[name].alternatives(value)
        case Related(hop, far, link, _):
            scopes = sum(len(reach.scope.text) for reach in hop.reaches) // _CHARACTERS
            behind = planned_comparisons(far, hop.columns) + planned_comparisons(link, hop.link_columns)
            return len(hop.ways) * _PLANS_OF_A_STEP * (_PLANNED_BY_A_STEP + scopes + behind)


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
