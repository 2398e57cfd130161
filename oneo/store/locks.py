"""Advisory locks: which kinds there are, and the one place that derives their keys.

PostgreSQL knows an advisory lock by 64 bits for the whole database, and clients may choose ids of records. A key is
therefore a hash of the tenant, the kind and the ids together: without the tenant in it, one tenant could hold the locks
of another. The hash is a cryptographic one, so that nobody can look for an id that collides with a lock of others.

Locks that are taken together are sorted by their keys, so that no two writers wait for each other in a circle.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Self
from uuid import UUID


class LockKind(StrEnum):
    """What a lock guards, and which ids name it besides the tenant's."""

    RELATIONSHIPS = "relationships"
    """All relationships of the tenant; no further id."""
    TYPES = "types"
    """All relationship types of the tenant, for writers that are about too many to name each; no further id."""
    SHAPE = "shape"
    """The fields and constraints of one pipeline or relationship type. Writers of its records or relationships share
    it; a change of the shape has it alone.
    """
    HIERARCHY = "hierarchy"
    """The tree that the relationships of one type form."""
    RECORD = "record"
    """The relationships of one record."""
    PAIR = "pair"
    """Relationships of one type between two records."""
    IDEMPOTENCY = "idempotency"
    """The request of one principal with one Idempotency-Key."""


@dataclass(frozen=True, slots=True, order=True)
class Lock:
    """Held until the transaction ends; `alone` excludes all other holders, else those who ask for it alone."""

    key: int
    alone: bool = False

    @classmethod
    def of(cls, tenant_id: UUID, kind: LockKind, *ids: UUID | str, alone: bool = False) -> Self:
        text = "\0".join([str(tenant_id), kind.value, *map(str, ids)])
        digest = blake2b(text.encode(), digest_size=8).digest()
        return cls(int.from_bytes(digest, signed=True), alone)

    @property
    def sql(self) -> str:
        """Waits until the lock is free."""
        return f"pg_advisory_xact_lock{'' if self.alone else '_shared'}({self.key:d})"

    @property
    def try_sql(self) -> str:
        """Takes the lock alone and is true, or is false when another transaction holds it."""
        return f"pg_try_advisory_xact_lock({self.key:d})"
