"""Make the tenant part of what the GIN indexes hold, so that a search reads entries of its own tenant alone.

JSON is indexed with the tenant's id as a key around it, words with a mark of the tenant before each. Trigrams carry no
tenant: their index, where pg_trgm is there, gets the tenant as a column of its own.

Where records are many, make the indexes beforehand with CONCURRENTLY, and the function that one of them needs: what is
there under these names is taken as it is. A program of before finds the same rows without the former indexes, only
row by row.

Revision: 0014
Follows: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

SIGNATURES = ("oneo_of_tenant(uuid, tsvector)", "oneo_of_tenant(uuid, tsquery)")
# 36 bits of the random end of the id, in six characters: an even number, so that a vector grows by just so much.
MARK = "substr(encode(substr(uuid_send(tenant), 12), 'base64'), 1, 6)"
# In a vector and in a query as texts a quote after a space begins a word; no word has a space in it.
# A word or vector that would become too long is left out or loses its positions, which the index does not hold.
VECTOR = f"""
CREATE OR REPLACE FUNCTION oneo_of_tenant(tenant uuid, words tsvector) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 20 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF pg_column_size(words) > 2000 THEN
        words := ts_delete(strip(words), ARRAY(SELECT lexeme FROM unnest(words) WHERE octet_length(lexeme) > 2000));
    END IF;
    RETURN replace(' ' || words::text, ' ''', ' ''' || {MARK})::tsvector;
END $$
"""
QUERY = f"""
CREATE OR REPLACE FUNCTION oneo_of_tenant(tenant uuid, query tsquery) RETURNS tsquery
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 20 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN replace(' ' || query::text, ' ''', ' ''' || {MARK})::tsquery;
END $$
"""
DOCUMENT = "jsonb_set('{{}}'::jsonb, ARRAY[tenant_id::text], {column})"
TEXTS = """(jsonb_path_query_array(data, '$.* ? (@.type() == "string")')::text)"""
INDEXES = {
    "ix_records_tenant_data": f"records USING gin (({DOCUMENT.format(column='data')}) jsonb_path_ops)",
    "ix_records_tenant_words": "records USING gin ((oneo_of_tenant(tenant_id, search)))",
    "ix_relationships_tenant_metadata":
        f"relationships USING gin (({DOCUMENT.format(column='metadata')}) jsonb_path_ops)",
}  # fmt: skip
FORMER = {
    "ix_records_data": "records USING gin (data jsonb_path_ops)",
    "ix_records_search": "records USING gin (search)",
    "ix_relationships_metadata": "relationships USING gin (metadata jsonb_path_ops)",
}
# GIN takes arrays of ids without an extension, but not ids.
TRIGRAMS = f"records USING gin ((ARRAY[tenant_id]), {TEXTS} {{place}}.gin_trgm_ops)"
FORMER_TRIGRAMS = f"records USING gin ({TEXTS} {{place}}.gin_trgm_ops)"
# pg_trgm folds case as libc does: where ILIKE asks another provider, its index would miss rows.
WANTED = (
    "SELECT coalesce(to_jsonb(d)->>'datlocprovider', 'c') = 'c' FROM pg_database d WHERE datname = current_database()"
)
PLACE = """
SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'pg_trgm' AND has_schema_privilege(n.oid, 'USAGE')
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(VECTOR)
    op.execute(QUERY)
    for signature in SIGNATURES:
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO oneo_app")
    _replace(INDEXES, FORMER)
    _replace_trigrams("ix_records_tenant_trigrams", TRIGRAMS, "ix_records_trigrams")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _replace_trigrams("ix_records_trigrams", FORMER_TRIGRAMS, "ix_records_tenant_trigrams")
    _replace(FORMER, INDEXES)
    for signature in SIGNATURES:
        op.execute(f"DROP FUNCTION {signature}")


def _replace(made: dict[str, str], dropped: dict[str, str]) -> None:
    for name, definition in made.items():
        op.get_bind().exec_driver_sql(f"CREATE INDEX IF NOT EXISTS {name} ON {definition}")
    for name in dropped:
        op.execute(f"DROP INDEX IF EXISTS {name}")


def _replace_trigrams(made: str, definition: str, dropped: str) -> None:
    """Where the extension is; elsewhere there is nothing to make."""
    connection = op.get_bind()
    place = connection.scalar(sa.text(PLACE)) if connection.scalar(sa.text(WANTED)) else None
    if place:
        connection.exec_driver_sql(f"CREATE INDEX IF NOT EXISTS {made} ON {definition.format(place=place)}")
    op.execute(f"DROP INDEX IF EXISTS {dropped}")
