"""What grants add up to, and what may be passed on (threats 14-19, 20, 22; ADR 0002)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from oneo.access import policy
from oneo.access.effective_rights import require_within
from oneo.access.permissions import EVERYTHING, P
from oneo.actor import Actor, CredentialKind, Grant
from oneo.errors import PermissionDenied
from oneo.ids import new_id

DEALS, LEADS = new_id(), new_id()


def grant(permission: str, *pipelines: UUID, **details: Any) -> dict[str, Any]:
    """As a user type stores it; no pipelines are all of them."""
    named = [str(pipeline) for pipeline in pipelines] or None
    return {"permission": permission, "pipelines": named, "rows": "all", **details}


def actor(*stored: dict[str, Any], scopes: Sequence[str] | None = None) -> Actor:
    kind = CredentialKind.SESSION if scopes is None else CredentialKind.API_KEY
    return Actor(new_id(), new_id(), kind, new_id(), grants=policy.effective(stored, scopes))


def one(stored: dict[str, Any]) -> Grant:
    (parsed,) = policy.parse_grants([stored])
    return parsed


def may_give(caller: Actor, *stored: dict[str, Any]) -> bool:
    """Whether the caller may let an account hold these grants and no others."""
    try:
        require_within(caller, policy.parse_grants(stored))
    except PermissionDenied:
        return False
    return True


ADMINISTRATOR = (grant(EVERYTHING),)
READS_DEALS = (grant(P.RECORDS_READ, DEALS),)
NOBODY: tuple[dict[str, Any], ...] = ()


@pytest.mark.parametrize(
    ("grants", "permission", "pipeline", "allowed"),
    [
        (NOBODY, P.USERS_READ, None, False),
        (NOBODY, P.RECORDS_READ, DEALS, False),
        (ADMINISTRATOR, P.USERS_READ, None, True),
        (ADMINISTRATOR, P.RECORDS_PURGE, DEALS, True),
        (READS_DEALS, P.RECORDS_READ, DEALS, True),
        (READS_DEALS, P.RECORDS_READ, LEADS, False),
        (READS_DEALS, P.RECORDS_READ, None, True),
        (READS_DEALS, P.RECORDS_UPDATE, DEALS, False),
        (READS_DEALS, P.PIPELINES_READ, DEALS, False),
        ((grant(P.RECORDS_READ),), P.RECORDS_READ, LEADS, True),
        ((grant(P.RECORDS_READ, DEALS), grant(P.RECORDS_READ, LEADS)), P.RECORDS_READ, LEADS, True),
        ((grant(P.PIPELINES_READ_ALL),), P.PIPELINES_READ, DEALS, False),
        ((grant(P.USERS_UPDATE),), P.USERS_DELETE, None, False),
    ],
)
def test_a_permission_is_there_when_a_grant_says_so(
    grants: Sequence[dict[str, Any]], permission: P, pipeline: UUID | None, allowed: bool
) -> None:
    caller = actor(*grants)
    assert policy.allows(caller, permission, pipeline) is allowed
    if allowed:
        policy.require(caller, permission, pipeline)
    else:
        with pytest.raises(PermissionDenied) as denied:
            policy.require(caller, permission, pipeline)
        assert denied.value.extra == {"permission": permission.value}


@pytest.mark.parametrize("permission", list(P))
def test_an_administrator_may_do_everything(permission: P) -> None:
    assert policy.allows(actor(*ADMINISTRATOR), permission)
    assert policy.allows(actor(*ADMINISTRATOR), permission, DEALS)


def test_a_list_of_no_pipelines_grants_none() -> None:
    """Not the same as no list, which is all of them."""
    nowhere = actor({**grant(P.RECORDS_READ), "pipelines": []})
    assert not policy.allows(nowhere, P.RECORDS_READ, DEALS)


@pytest.mark.parametrize(
    ("grants", "rows"),
    [
        (ADMINISTRATOR, None),
        ((grant(P.RECORDS_READ),), None),
        ((grant(P.RECORDS_READ, rows="own"),), ["own"]),
        ((grant(P.RECORDS_READ, rows="own"), grant(P.RECORDS_READ)), None),
        ((grant(P.RECORDS_READ, DEALS, rows="own"), grant(P.RECORDS_READ, LEADS)), ["own"]),
        ((grant(P.RECORDS_READ, rows="own"), grant(P.RECORDS_READ, rows={"filter": {"status": "open"}})),
         ["own", {"status": "open"}]),
        ((grant(P.RECORDS_READ, rows="own"), grant(P.RECORDS_UPDATE)), ["own"]),
        (NOBODY, []),
    ],
)  # fmt: skip
def test_rows_add_up_over_grants(grants: Sequence[dict[str, Any]], rows: list[Any] | None) -> None:
    """Threat 19. None is all rows; an empty list is none at all."""
    rules = policy.row_rules(actor(*grants), P.RECORDS_READ, DEALS)
    assert rows == (None if rules is None else [rule.row_filter or rule.rows for rule in rules])


HIDES_IN_DEALS = grant(P.RECORDS_READ, DEALS, hidden_fields=["salary"])


@pytest.mark.parametrize(
    ("grants", "hidden"),
    [
        (ADMINISTRATOR, set()),
        ((grant(P.RECORDS_READ, hidden_fields=["salary"]),), {"salary"}),
        ((HIDES_IN_DEALS,), {"salary"}),
        ((grant(P.RECORDS_READ, LEADS, hidden_fields=["salary"]),), set()),
        ((HIDES_IN_DEALS, grant(P.RECORDS_READ)), {"salary"}),
        ((HIDES_IN_DEALS, *ADMINISTRATOR), {"salary"}),
        ((HIDES_IN_DEALS, grant(P.RECORDS_READ, hidden_fields=["notes"])), {"salary", "notes"}),
        ((grant(P.RECORDS_READ), grant(P.RECORDS_UPDATE, hidden_fields=["salary"])), {"salary"}),
        ((grant(P.RECORDS_READ, hidden_fields=["salary"], rows="own"), grant(P.RECORDS_READ)), {"salary"}),
        ((grant(P.RECORDS_UPDATE, read_only_fields=["salary"]),), set()),
    ],
)
def test_hiding_wins_over_showing(grants: Sequence[dict[str, Any]], hidden: set[str]) -> None:
    assert policy.hidden_fields(actor(*grants), DEALS) == hidden


@pytest.mark.parametrize("name", ["a}'::text[])--", "a'b", "A", "a b", "a,b", "", "%s"])
def test_names_that_no_field_can_have_hide_nothing(name: str) -> None:
    """They come from whoever makes user types, and what is hidden is named in SQL."""
    found = one(grant(P.RECORDS_READ, hidden_fields=[name, "salary"], read_only_fields=[name, "stage"]))
    assert (set(found.hidden_fields), set(found.read_only_fields)) == ({"salary"}, {"stage"})


@pytest.mark.parametrize(
    ("grants", "read_only"),
    [
        (ADMINISTRATOR, set()),
        ((grant(P.RECORDS_UPDATE, read_only_fields=["stage"]),), {"stage"}),
        ((grant(P.RECORDS_UPDATE, LEADS, read_only_fields=["stage"]),), set()),
        ((grant(P.RECORDS_CREATE, read_only_fields=["stage"]), grant(P.RECORDS_UPDATE)), set()),
        ((grant(P.RECORDS_UPDATE, read_only_fields=["stage"]), grant(P.RECORDS_UPDATE)), {"stage"}),
        ((grant(P.RECORDS_READ, hidden_fields=["salary"]), grant(P.RECORDS_UPDATE)), {"salary"}),
        ((grant(P.RECORDS_UPDATE, hidden_fields=["salary"]),), {"salary"}),
    ],
)
def test_hidden_and_read_only_fields_cannot_be_written(grants: Sequence[dict[str, Any]], read_only: set[str]) -> None:
    """Threat 16."""
    assert policy.read_only_fields(actor(*grants), P.RECORDS_UPDATE, DEALS) == read_only


# -- passing on --------------------------------------------------------------------------------------------------------

ALL_READ = grant(P.RECORDS_READ)
HIDING = grant(P.RECORDS_READ, hidden_fields=["salary"])


@pytest.mark.parametrize(
    ("own", "wanted", "held"),
    [
        (NOBODY, grant(P.USERS_READ), False),
        (ADMINISTRATOR, grant(EVERYTHING), True),
        (ADMINISTRATOR, grant(P.RECORDS_PURGE), True),
        ((ALL_READ,), grant(EVERYTHING), False),
        (tuple(grant(p) for p in P), grant(EVERYTHING), False),
        ((ALL_READ,), ALL_READ, True),
        ((ALL_READ,), grant(P.RECORDS_READ, DEALS), True),
        ((ALL_READ,), grant(P.RECORDS_UPDATE), False),
        ((ALL_READ,), grant(P.RECORDS_READ, rows="own"), True),
        ((ALL_READ,), grant(P.RECORDS_READ, rows={"filter": {"status": "open"}}), True),
        ((ALL_READ,), HIDING, True),
        (READS_DEALS, ALL_READ, False),
        (READS_DEALS, grant(P.RECORDS_READ, LEADS), False),
        (READS_DEALS, grant(P.RECORDS_READ, DEALS, LEADS), False),
        ((grant(P.RECORDS_READ, DEALS, LEADS),), grant(P.RECORDS_READ, LEADS), True),
        ((grant(P.RECORDS_READ, rows="own"),), ALL_READ, False),
        ((grant(P.RECORDS_READ, rows="own"),), grant(P.RECORDS_READ, rows="own"), True),
        ((grant(P.RECORDS_READ, rows="own"),), grant(P.RECORDS_READ, rows={"filter": {}}), False),
        ((grant(P.RECORDS_READ, rows={"filter": {"a": 1}}),), grant(P.RECORDS_READ, rows={"filter": {"a": 2}}), False),
        ((grant(P.RECORDS_READ, rows={"filter": {"a": 1}}),), grant(P.RECORDS_READ, rows={"filter": {"a": 1}}), True),
        ((HIDING,), ALL_READ, False),
        ((HIDING,), HIDING, True),
        ((HIDING,), grant(P.RECORDS_READ, hidden_fields=["salary", "notes"]), True),
        ((grant(P.RECORDS_UPDATE, read_only_fields=["stage"]),), grant(P.RECORDS_UPDATE), False),
        ((grant(P.RECORDS_UPDATE, read_only_fields=["stage"]),),
         grant(P.RECORDS_UPDATE, read_only_fields=["stage"]), True),
        ((grant(P.RECORDS_UPDATE, read_only_fields=["stage"]),),
         grant(P.RECORDS_UPDATE, hidden_fields=["stage"]), True),
        # two grants of one's own, one of them hiding: passing on the other one must not show what is hidden
        ((ALL_READ, HIDES_IN_DEALS), ALL_READ, False),
        ((ALL_READ, HIDES_IN_DEALS), grant(P.RECORDS_READ, DEALS), False),
        ((ALL_READ, HIDES_IN_DEALS), grant(P.RECORDS_READ, LEADS), True),
        ((ALL_READ, HIDES_IN_DEALS), HIDING, True),
        ((ALL_READ, HIDES_IN_DEALS), grant(P.USERS_READ), False),
        ((ALL_READ, HIDES_IN_DEALS, grant(P.USERS_READ)), grant(P.USERS_READ), True),
        # writing what one cannot see
        ((HIDING, grant(P.RECORDS_UPDATE)), grant(P.RECORDS_UPDATE), False),
        ((HIDING, grant(P.RECORDS_UPDATE)), grant(P.RECORDS_UPDATE, hidden_fields=["salary"]), True),
    ],
)  # fmt: skip
def test_nobody_passes_on_more_than_he_holds(own: Sequence[dict[str, Any]], wanted: dict[str, Any], held: bool) -> None:
    assert may_give(actor(*own), wanted) is held


@pytest.mark.parametrize(
    ("own", "wanted", "held"),
    [
        ((ALL_READ, HIDES_IN_DEALS), (ALL_READ, HIDES_IN_DEALS), True),
        ((ALL_READ, HIDES_IN_DEALS), (ALL_READ, grant(P.RECORDS_READ, LEADS, hidden_fields=["salary"])), False),
        ((ALL_READ, HIDES_IN_DEALS), (), True),
        ((HIDING, grant(P.RECORDS_UPDATE)), (HIDING, grant(P.RECORDS_UPDATE)), True),
        ((HIDING, grant(P.RECORDS_UPDATE)), (grant(P.RECORDS_UPDATE), HIDES_IN_DEALS), False),
        ((ALL_READ,), (ALL_READ, grant(P.USERS_READ)), False),
    ],
)
def test_grants_that_are_passed_on_together_count_together(
    own: Sequence[dict[str, Any]], wanted: Sequence[dict[str, Any]], held: bool
) -> None:
    """Somebody with the same grants is nobody's better: he may be changed by his like."""
    assert may_give(actor(*own), *wanted) is held


# -- API keys ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grants", "scopes", "permissions"),
    [
        (ADMINISTRATOR, None, set(P)),
        (ADMINISTRATOR, [], set()),
        (ADMINISTRATOR, ["users:read"], {P.USERS_READ}),
        ((grant(P.USERS_READ), grant(P.USERS_UPDATE)), ["users:read"], {P.USERS_READ}),
        ((grant(P.USERS_READ),), ["users:read", "users:update"], {P.USERS_READ}),
        ((grant(P.USERS_READ),), ["*"], set()),
        ((grant(P.USERS_READ),), ["no such thing"], set()),
        (NOBODY, [P.USERS_READ.value, "*"], set()),
    ],
)
def test_scopes_narrow_and_never_widen(
    grants: Sequence[dict[str, Any]], scopes: list[str] | None, permissions: set[P]
) -> None:
    key = actor(*grants, scopes=scopes)
    assert {permission for permission in P if policy.allows(key, permission)} == permissions
    assert policy.is_administrator(key) is (scopes is None)


def test_a_narrow_key_of_an_administrator_is_no_administrator() -> None:
    key = actor(*ADMINISTRATOR, scopes=["users:read", "users:update"])
    assert not may_give(key, grant(EVERYTHING))
    assert not may_give(key, grant(P.RECORDS_READ))
    assert may_give(key, grant(P.USERS_UPDATE))


@pytest.mark.parametrize(
    "grants",
    [(HIDING, grant(P.RECORDS_UPDATE)), (HIDES_IN_DEALS, grant(P.RECORDS_UPDATE)), (HIDES_IN_DEALS, *ADMINISTRATOR)],
)
def test_leaving_out_the_scope_that_hides_shows_nothing(grants: Sequence[dict[str, Any]]) -> None:
    """A key that may only update must not write, or be answered with, what its owner cannot see."""
    key = actor(*grants, scopes=["records:update"])
    assert policy.hidden_fields(key, DEALS) == {"salary"}
    assert policy.read_only_fields(key, P.RECORDS_UPDATE, DEALS) == {"salary"}


def test_a_key_keeps_the_rows_and_pipelines_of_its_owner() -> None:
    key = actor(grant(P.RECORDS_READ, DEALS, rows="own"), scopes=["records:read"])
    assert not policy.allows(key, P.RECORDS_READ, LEADS)
    rules = policy.row_rules(key, P.RECORDS_READ, DEALS)
    assert rules is not None
    assert [rule.rows for rule in rules] == ["own"]
