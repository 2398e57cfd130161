"""Whether the second net holds: the server's role owns and bypasses nothing, and every tenant table is fenced."""

from __future__ import annotations

from oneo.errors import ConfigurationError
from oneo.models import Base
from oneo.models.base import InTenant
from oneo.store import message

_ROLE = """
SELECT rolname, rolsuper OR rolbypassrls,
       EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
               AND pg_has_role(r.oid, c.relowner, 'usage')),
       pg_has_role(r.oid, (SELECT oid FROM pg_roles WHERE rolname = 'oneo_app'), 'member')
FROM pg_roles r WHERE rolname = current_user
"""
# PostgreSQL 15 writes the table before the column of a view, later ones do not.
# Policies add up: one more that permits anything opens the table, whatever the fence says.
_FENCED = """
SELECT c.relname FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid
WHERE c.relrowsecurity AND c.relnamespace = 'public'::regnamespace AND p.polpermissive
GROUP BY c.relname
HAVING bool_and(pg_get_expr(p.polqual, p.polrelid) LIKE '%oneo.tenant%'
                AND pg_get_expr(p.polwithcheck, p.polrelid) LIKE '%oneo.tenant%')
UNION ALL
SELECT viewname FROM pg_views WHERE schemaname = 'public'
AND definition ~ 'WHERE \\(((records|relationships)\\.)?tenant_id = .*oneo\\.tenant'
"""
VIEWS = frozenset({"my_records", "my_relationships"})
"""They read past row security with the owner's rights, so the fence must be their own condition."""


def tenant_tables() -> set[str]:
    """Names of all tables that hold rows of tenants and must be fenced."""
    return {str(mapper.local_table) for mapper in Base.registry.mappers if issubclass(mapper.class_, InTenant)}


def check_fence() -> None:
    """Raises ConfigurationError, so that the server refuses to serve without the fence."""
    name, bypasses, owns, member = message.look_up_directory(_ROLE)[0]
    if bypasses or owns or not member:
        raise ConfigurationError(
            f"The database role {name!r} can pass the tenancy fence: it must be a member of oneo_app, own no tables, "
            "inherit from nobody who does, be no superuser and not bypass row security. Give the server such a login "
            "in DATABASE_URL, and the owner's in ONEO_MIGRATION_URL."
        )
    fenced = {row[0] for row in message.look_up_directory(_FENCED)}
    missing = sorted((tenant_tables() | VIEWS) - fenced)
    if missing:
        raise ConfigurationError(f"Row security is missing on: {', '.join(missing)}. Run the migrations.")
