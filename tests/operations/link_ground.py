"""Records, types and constraints to relate on, and scripts of what is done with relationships and what is refused."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from tests.api import Reply
from tests.factories.pipeline import pipeline, record
from tests.factories.relationship import constraint, relationship_type
from tests.factories.tenant import TestTenant
from tests.operations.link_model import ENDLESS, Rule

TYPES = ("x", "y", "z")
_numbers = itertools.count(1)


class Names(dict[str, str]):
    """Ids of records, which are made when they are first named; the first letter is their pipeline."""

    def __init__(self, tenant: TestTenant, places: Mapping[str, str]) -> None:
        self.tenant, self.places = tenant, places

    def __missing__(self, name: str) -> str:
        self[name] = record(self.tenant.api, self.places[name[0]], {})["id"]
        return self[name]


class Ground:
    """Pipelines a and b, types x, y and z that join any records, under the rules."""

    def __init__(
        self, tenant: TestTenant, *rules: Rule, on_delete: Mapping[str, str] | None = None, both: Sequence[str] = ()
    ) -> None:
        self.tenant, self.api = tenant, tenant.api
        number = next(_numbers)
        made = {letter: pipeline(self.api, f"{letter} {number}", []) for letter in "ab"}
        self.pipelines = {letter: found["id"] for letter, found in made.items()}
        self.ids = Names(tenant, {letter: found["slug"] for letter, found in made.items()})
        self.slugs = {name: f"{name}_{number}" for name in TYPES}
        self.type_ids = {
            name: relationship_type(
                tenant, slug, on_delete=(on_delete or {}).get(name, "restrict"), is_bidirectional=name in both
            )
            for name, slug in self.slugs.items()
        }  # fmt: skip
        self.made: dict[str, str] = {}
        for rule in rules:
            self.constrain(rule)

    def constrain(self, found: Rule) -> None:
        by_kind: dict[str, dict[str, Any]] = {
            "CARDINALITY": {"per": found.per},
            "EXCLUSIVITY": {"per": found.per, "types": [str(self.type_ids[name]) for name in found.types]},
            "DEPENDENCY": {
                "requires": str(self.type_ids[found.requires]) if found.requires else None, "where": found.where,
                **{f"{end}_status": status for end, status in found.statuses},
            },
            "HIERARCHY": {"parent": found.parent, "single_parent": found.single, "max_depth": found.depth},
        }  # fmt: skip
        options = by_kind[found.kind]
        if found.targets:
            options["targets"] = [self.ids[name] for name in found.targets]
        constraint(
            self.tenant, self.type_ids[found.type], found.kind, min_instances=found.least, max_instances=found.most,
            is_required=found.least > 0, source_pipeline_id=self.pipelines[found.scope] if found.scope else None,
            constraint_metadata=options,
        )  # fmt: skip

    def body(self, text: str) -> dict[str, Any]:
        """`x a1 b1 2-4 both PENDING`: the type, the ends, from when until when, how."""
        type_, source, target, *more = text.split()
        body: dict[str, Any] = {
            "relationship_type": self.slugs[type_], "source_record_id": self.ids[source],
            "target_record_id": self.ids[target], "effective_from": year(1),
        }  # fmt: skip
        for word in more:
            if word == "both":
                body["is_bidirectional"] = True
            elif word.isupper():
                body["status"] = word
            else:
                start, end = word.split("-")
                body |= {"effective_from": year(int(start)), "effective_until": year(int(end or ENDLESS))}
        return body

    def create(self, text: str) -> Reply:
        return self.api.post("/relationships/", self.body(text))

    def validate(self, text: str) -> dict[str, Any]:
        answer = self.api.post("/relationships/validate/", self.body(text))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json
        return found

    def bulk(self, texts: Sequence[str], mode: str = "partial") -> Reply:
        return self.api.post(f"/relationships/bulk_create/?mode={mode}", [self.body(text) for text in texts])

    def act(self, name: str, *words: str) -> Reply:
        """`on`, `off`, `del`, `back`, `from 2`, `until 4`, `both`, of the relationship of this name."""
        path = f"/relationships/{self.made[name]}/"
        match words:
            case ["on"]:
                return self.api.post(f"{path}activate/")
            case ["off"]:
                return self.api.post(f"{path}deactivate/")
            case ["back"]:
                return self.api.post(f"{path}restore/")
            case ["del"]:
                return self.api.delete(path)
            case ["both"]:
                return self.api.patch(path, {"is_bidirectional": True})
            case ["from" | "until" as side, moment]:
                return self.api.patch(path, {f"effective_{side}": year(int(moment))})
        raise ValueError(words)

    def play(self, script: str) -> None:
        """A step a line, `name = x a1 b1` or `name off`; `! CODE` where it is refused, as `validate` says before."""
        for line in filter(None, map(str.strip, script.splitlines())):
            step, _, code = (part.strip() for part in line.partition("!"))
            head, _, rest = (part.strip() for part in step.rpartition("="))
            if rest.split()[0] in TYPES:
                said = self.validate(rest)
                assert {found["code"] for found in said["violations"]} == ({code} if code else set()), (line, said)
                assert said["is_valid"] is not bool(code)
                answer = self.create(rest)
                self.made[head] = answer.json.get("id", "")
            else:
                answer = self.act(*rest.split())
            if code:
                assert (answer.status_code, answer.json.get("code")) == (409, code), (line, answer.text)
            else:
                assert answer.status_code in {200, 201, 204}, (line, answer.text)


def year(moment: int) -> str | None:
    return None if moment == ENDLESS else f"{2100 + moment}-01-01T00:00:00Z"
