"""Search: the records of every pipeline that the caller may read, in one list."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from oneo.access import policy
from oneo.access.permissions import P
from oneo.access.related import relations_of
from oneo.access.schema import readable_reaches
from oneo.actor import Actor
from oneo.filters.search import words_of, words_query
from oneo.operations.lists import Listing, ListQuery, conditions, list_resource
from oneo.store.search import everywhere, ranked, within


def search_records(actor: Actor, query: ListQuery) -> Listing:
    """By rank where words are searched for, else newest first. Raises InvalidParameter, InvalidCursor, StaleActor."""
    policy.require(actor, P.RECORDS_READ)
    reaches = readable_reaches(actor)
    relations = partial(relations_of, actor, None)
    whole, scope = replace(everywhere(reaches), relations=relations), within(reaches)
    words = words_of(query.search)
    if not words:
        return list_resource(actor, whole, query, scope=scope)
    where = conditions(whole, query, scope)
    found = replace(ranked(actor.tenant_id, reaches, where, words_query(words)), relations=relations)
    return list_resource(actor, found, replace(query, search="", filter=None, conditions={}))
