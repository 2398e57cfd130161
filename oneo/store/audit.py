"""The log as somebody may see it from whom fields of records are hidden."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from uuid import UUID

from oneo.store.resources import EVENTS, Resource


def cut_events(hidden: Mapping[UUID, Iterable[str]], everywhere: Iterable[str]) -> Resource:
    """Without the values and names of fields hidden in pipelines; `everywhere` are those hidden in all others.

    A title goes with them: it may be the value of a field that was the title field then.
    """
    cases = "".join(f" WHEN '{pipeline}' THEN {_array(slugs)}" for pipeline, slugs in hidden.items())
    slugs = f"(CASE e.pipeline_id{cases} ELSE {_array(everywhere)} END)" if cases else _array(everywhere)
    concerned = f"starts_with(e.type, 'record.') AND {slugs} <> '{{}}'"
    names = f"(SELECT array_agg('data.' || s) FROM unnest({slugs}) s)"
    changed = f"""(SELECT coalesce(json_agg(name ORDER BY n), '[]') FROM unnest(e.changed_fields)
        WITH ORDINALITY AS c(name, n) WHERE name <> ALL({names} || 'title'::text))"""
    shown = {
        "changed_fields": f"CASE WHEN {concerned} THEN {changed} ELSE to_json(e.changed_fields) END",
        "data": f"CASE WHEN {concerned} THEN {_cut('e.data', slugs)} ELSE e.data END",
        "old": f"CASE WHEN {concerned} THEN {_cut('e.old', slugs)} ELSE e.old END",
    }
    return replace(EVENTS, document={**EVENTS.document, **shown})


def _cut(state: str, slugs: str) -> str:
    values = f"jsonb_build_object('data', ({state}->'data') - {slugs})"
    return f"(({state} || CASE WHEN {state} ? 'data' THEN {values} ELSE '{{}}' END) - 'title')"


def _array(slugs: Iterable[str]) -> str:
    """Slugs need no quoting."""
    return f"'{{{','.join(sorted(slugs))}}}'::text[]"
