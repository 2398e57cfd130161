"""Pages of lists: how they are asked for, and what is said of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphene
from graphql import GraphQLResolveInfo

from oneo.errors import FaultList, InvalidParameter
from oneo.graphql.exact import read_exactly
from oneo.graphql.selection import asked
from oneo.operations.lists import MAX_PAGE_SIZE, PAGE_SIZE, Listing, ListQuery


class PageInfo(graphene.ObjectType):
    """Where a page stands in its list."""

    has_next_page = graphene.Boolean(required=True)
    has_previous_page = graphene.Boolean(required=True)
    start_cursor = graphene.String()
    end_cursor = graphene.String()
    total_count = graphene.Int(required=True, description="Counted only when it is asked for.")


def page_query(info: GraphQLResolveInfo, given: Mapping[str, Any], *, where: str = "", **more: Any) -> ListQuery:
    """What is asked of a connection; no cursor is made and nothing is counted that is not asked for.

    `given` has first and after, or limit and offset, or page and page_size. Raises InvalidParameter.
    """
    first, after, limit, offset = (given.get(name) for name in ("first", "after", "limit", "offset"))
    page, page_size = given.get("page"), given.get("page_size")
    _check(given, where)
    size = first or limit or page_size or PAGE_SIZE
    numbered = any(value is not None for value in (limit, offset, page, page_size))
    page_info = asked(info, "pageInfo")
    return ListQuery(
        page_size=size,
        cursor=None if numbered else after or "",
        offset=offset or ((page or 1) - 1) * size,
        count="exact" if "total_count" in asked(info) | page_info else "none",
        edges="cursor" in asked(info, "edges") or bool(page_info & {"start_cursor", "end_cursor"}),
        **more,
    )


def connection(listing: Listing) -> dict[str, Any]:
    """`nodes`, `items` and the nodes of `edges` are the same."""
    nodes = read_exactly(listing.results)
    cursors = listing.cursors or [None] * len(nodes)
    return {
        "edges": [{"cursor": cursor, "node": node} for cursor, node in zip(cursors, nodes, strict=True)],
        "nodes": nodes,
        "items": nodes,
        "total_count": listing.count,
        "page_info": {
            "has_next_page": listing.has_next,
            "has_previous_page": listing.has_previous,
            "start_cursor": next(iter(listing.cursors), None),
            "end_cursor": listing.cursors[-1] if listing.cursors else None,
            "total_count": listing.count,
        },
    }


_SPANS = {
    "first": (1, MAX_PAGE_SIZE, "first"), "limit": (1, MAX_PAGE_SIZE, "limit"), "offset": (0, None, "offset"),
    "page": (1, None, "page"), "page_size": (1, MAX_PAGE_SIZE, "pageSize"),
}  # fmt: skip
_WAYS = (("first", "after"), ("limit", "offset"), ("page", "page_size"))


def _check(given: Mapping[str, Any], where: str) -> None:
    faults = FaultList()
    for name, (least, most, shown) in _SPANS.items():
        value = given.get(name)
        if value is not None and (value < least or (most is not None and value > most)):
            span = f"from {least}" + (f" to {most}" if most else "")
            faults.add(f"{where}/{shown}", "INVALID_VALUE", f"A number {span} is expected.")
    used = [way for way in _WAYS if any(given.get(name) is not None for name in way)]
    if len(used) > 1:
        faults.add(f"{where}/{_SPANS[used[-1][0]][2]}", "INVALID_VALUE", "Pages go by one way of counting at a time.")
    faults.check(InvalidParameter)
