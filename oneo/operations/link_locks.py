"""Which locks a write of relationships takes, so that what it checks still holds when it has written."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from oneo.access import policy
from oneo.access.permissions import P
from oneo.access.relationships import readable_groups
from oneo.access.schema import schema_of
from oneo.actor import Actor
from oneo.store.link_checks import Rules
from oneo.store.link_terms import Look
from oneo.store.link_writes import Reach
from oneo.store.locks import Lock, LockKind

Place = tuple[UUID, UUID, UUID]
"""Type, source and target of a relationship."""
MOST_SINGLE = 200
"""Records or types that are locked one by one; who writes about more records has the relationships of the tenant to
himself."""


def rules_for(actor: Actor, types: Iterable[UUID], *, changing: bool = False) -> Rules:
    return Rules(frozenset(types), tuple(schema_of(actor).types.values()), Look(changing))


def reach_of(actor: Actor) -> Reach:
    """Records that he may relate."""
    schema = schema_of(actor)
    return Reach(
        groups=readable_groups(actor),
        removable=[found for found in schema.pipelines if policy.allows(actor, P.RECORDS_DELETE, found)],
        inactive=[found.id for found in schema.pipelines.values() if not found.is_active],
        types=tuple(schema.types.values()),
    )


def locks_for(actor: Actor, rules: Rules, places: Iterable[Place]) -> list[Lock]:
    """Alone at the records of types that a constraint speaks of, beside others at all others; alone at each pair of
    records, and in each hierarchy. In one order for everybody, so that nobody waits in a circle.
    """
    known = list(places)
    crowd, constrained = len(known) > MOST_SINGLE, rules.constrained
    wanted = _beside(actor, rules.asked)
    wanted += [Lock.of(actor.tenant_id, LockKind.HIERARCHY, type_id, alone=True) for type_id in rules.hierarchies]
    for type_id, source, target in () if crowd else known:
        alone = type_id in constrained
        wanted += _of_records(actor, (source, target), alone=alone)
        wanted.append(Lock.of(actor.tenant_id, LockKind.PAIR, type_id, *sorted((source, target)), alone=True))
    return _in_order(actor, wanted, crowd=crowd)


def locks_of_records(actor: Actor, record_ids: Iterable[UUID], rules: Rules, *, back: bool) -> list[Lock]:
    """For who removes records or brings them `back`: nobody relates them meanwhile. Where it matters to records at the
    other ends what ends or stands again with them, nobody relates any.
    """
    known = list(record_ids)
    crowd = len(known) > MOST_SINGLE or bool(rules.constrained if back else rules.needed)
    wanted = _beside(actor, rules.asked)
    wanted += _of_records(actor, () if crowd else known)
    return _in_order(actor, wanted, crowd=crowd)


def locks_of_statuses(actor: Actor, record_ids: Iterable[UUID], types: Iterable[UUID]) -> list[Lock]:
    """For who changes what relationships of these types need of records: nobody relates those meanwhile."""
    known = list(record_ids)
    crowd = len(known) > MOST_SINGLE
    wanted = _beside(actor, types)
    wanted += _of_records(actor, () if crowd else known)
    return _in_order(actor, wanted, crowd=crowd)


def _beside(actor: Actor, types: Iterable[UUID]) -> list[Lock]:
    """Nobody changes these types meanwhile; where they are many, nobody changes any."""
    known = list(types)
    if len(known) > MOST_SINGLE:
        return [Lock.of(actor.tenant_id, LockKind.TYPES)]
    return [Lock.of(actor.tenant_id, LockKind.SHAPE, type_id) for type_id in known]


def _of_records(actor: Actor, record_ids: Iterable[UUID], *, alone: bool = True) -> list[Lock]:
    return [Lock.of(actor.tenant_id, LockKind.RECORD, record_id, alone=alone) for record_id in record_ids]


def _in_order(actor: Actor, wanted: Iterable[Lock], *, crowd: bool) -> list[Lock]:
    """First the lock of all relationships: who has it alone may then take any of the others, in any order. Then that of
    all types, which who changes one has before he waits for the type's own.
    """
    found: dict[int, bool] = {}
    for lock in wanted:
        found[lock.key] = found.get(lock.key, False) or lock.alone
    everything = Lock.of(actor.tenant_id, LockKind.RELATIONSHIPS, alone=crowd)
    types = Lock.of(actor.tenant_id, LockKind.TYPES).key
    in_order = sorted(found.items(), key=lambda one: (one[0] != types, one[0]))
    return [everything, *(Lock(key, alone) for key, alone in in_order)]
