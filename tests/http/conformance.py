"""What requests that are made from the document, and answers that are held against it, need."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import uuid4

import schemathesis
from hypothesis import HealthCheck, Phase, settings

from oneo.blueprints.openapi.headers import PARAMETERS
from tests.api import Api
from tests.architecture.sources import DOCS
from tests.factories import pipeline as factory
from tests.factories.tenant import TenantFactory, TestTenant, open_session

REFUSALS = ["400", "401", "403", "404", "405", "406", "409", "412", "413", "415", "422"]
CHECKS = {
    # What a schema allows can still be wrong: an unknown time zone, a cursor of another list, an address that is taken.
    "positive_data_acceptance": {"expected-statuses": ["2xx", "304", *REFUSALS]},
    "negative_data_rejection": {"expected-statuses": REFUSALS},
}
# It answers what is wrong, instead of being refused for it.
NAMES_FAULTS = {
    "include-operation-id": "validate_relationship",
    "checks": {"negative_data_rejection": {"expected-statuses": ["200", *REFUSALS]}},
}
BOUNDED = settings(
    max_examples=4, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


def loaded(*, coverage: bool) -> Any:
    """The snapshot, which tests/architecture keeps equal to what is served."""
    return closed(json.loads((DOCS / "openapi.json").read_text(encoding="utf-8")), coverage=coverage)


def closed(document: dict[str, Any], *, coverage: bool) -> Any:
    """A document to make requests from, with answers closed: no key is unsaid."""
    for name, schema in document["components"]["schemas"].items():
        if "properties" in schema and name != "Problem":
            schema.setdefault("additionalProperties", False)
    config = {"checks": CHECKS, "phases": {"coverage": {"enabled": coverage}}, "operations": [NAMES_FAULTS]}
    return schemathesis.openapi.from_dict(document, config=schemathesis.Config.from_dict(config))


SINCE = {"name": "Since", "field_type": "date"}
NAMED = {"pipeline", "field", "record_id", "relationship_type", "type_field", "constraint_id"}


class Caller:
    """An administrator who is always there: requests may end his sessions, or remove him."""

    def __init__(self, tenants: TenantFactory) -> None:
        self._tenants = tenants
        self._tenant: TestTenant = tenants.create()
        self._token = self._tenant.api.token
        self._known: dict[str, str] = {}

    def headers(self) -> dict[str, str]:
        for renew in (self._log_in, self.begin_anew):
            if self._counts():
                break
            renew()
        return {"Authorization": f"Bearer {self._token}"}

    def _counts(self) -> bool:
        found = self._tenant.api.get("/users/permissions/", headers={"Authorization": f"Bearer {self._token}"})
        return found.status_code == 200 and bool(found.json["is_administrator"])

    def _log_in(self) -> None:
        self._token = open_session(self._tenant.app, self._tenant.id, self._tenant.admin.id)[1]

    def begin_anew(self) -> None:
        self._tenant = self._tenants.create()
        self._token = self._tenant.api.token
        self._known.clear()

    def known(self) -> dict[str, str]:
        """Names of things that are there, by the parameters that name them; what a request has removed is made anew."""
        api = Api(self._tenant.app, self._token)
        place = self._known.get("pipeline")
        if place is None or api.get(f"/pipelines/{place}/").status_code != 200:
            name = f"Known {uuid4().hex}"  # the document's examples are names of pipelines too, and are sent
            made = factory.pipeline(api, name, factory.DEAL_FIELDS, title_field="name")
            self._known |= {"pipeline": made["slug"], "field": "amount"}
            self._known.pop("record_id", None)
        found = self._known.get("record_id")
        if found is None or api.get(f"/records/{found}/").status_code != 200:
            self._known["record_id"] = factory.record(api, self._known["pipeline"], {"name": "A deal"})["id"]
        return self._known

    def relationship_type(self) -> dict[str, str]:
        """One for each request, with a field and a constraint."""
        api = Api(self._tenant.app, self._token)
        made = api.post("/relationships/types/", {"name": "x", "slug": f"x{uuid4().hex}", "fields": [SINCE]}).json
        path = f"/relationships/types/{made['id']}/constraints/"
        constraint = api.post(path, {"constraint_type": "CARDINALITY"}).json
        return {"relationship_type": made["slug"], "type_field": "since", "constraint_id": constraint["id"]}


def sendable(case: Any, caller: Caller) -> Any:
    """Names things that are there, where the document's own words are to be taken: else almost every answer is a 404.

    OpenAPI cannot say that an answer has this body or none at all, so where a 201 is due its body is asked for.
    Keys are made unique: a replayed answer says nothing of the request at hand.
    """
    named = set(case.path_parameters or ()) & NAMED
    if named and case.meta.generation.mode.is_positive:
        known = caller.relationship_type() if "relationship_type" in named else caller.known()
        case.path_parameters |= {name: known[name] for name in named}
    headers = case.headers if case.headers is not None else {}
    if "201" in case.operation.definition.raw["responses"]:
        headers.pop("Prefer", None)
    if re.search(PARAMETERS["IdempotencyKey"]["schema"]["pattern"], str(headers.get("Idempotency-Key", ""))):
        headers["Idempotency-Key"] = uuid4().hex
    return case


def send(case: Any, caller: Caller, address: str) -> None:
    headers = caller.headers()
    answer = sendable(case, caller).call_and_validate(base_url=address, headers=headers)
    told = (answer.status_code, answer.request.method) == (200, "POST") and case.meta.generation.mode.is_negative
    if told and case.operation.definition.raw["operationId"] == NAMES_FAULTS["include-operation-id"]:
        assert answer.json()["is_valid"] is False
