"""What every table shares: naming, identity, times, version, and belonging to a tenant."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import DateTime, ForeignKeyConstraint, Integer, MetaData, PrimaryKeyConstraint, Uuid, text
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from oneo.ids import new_id

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: DateTime(timezone=True), UUID: Uuid()}


class InTenant:
    """A row of one tenant: `tenant_id` leads its key, and the session guard narrows every query to it."""

    tenant_id: Mapped[UUID] = mapped_column()


class TenantOwned(InTenant):
    """A row of one tenant with an id of its own."""

    __public__: ClassVar[tuple[str, ...]] = ()
    """Columns that events carry; secrets are never among them."""

    id: Mapped[UUID] = mapped_column(default=new_id)


def tenant_table(*extra: Any) -> tuple[Any, ...]:
    """Table arguments of a tenant's table: the key led by the tenant, the tenant itself, then what is given."""
    return (PrimaryKeyConstraint("tenant_id", "id"), ForeignKeyConstraint(["tenant_id"], ["tenants.id"]), *extra)


class Timestamped:
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    updated_at: Mapped[datetime] = mapped_column(server_default=text("now()"), onupdate=text("now()"))


class Versioned:
    """`version` rises by one per change; two writers of one version cannot both win."""

    version: Mapped[int] = mapped_column(Integer, default=1, server_default=text("1"))

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805
        return {"version_id_col": cls.version, "eager_defaults": True}
