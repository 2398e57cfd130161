"""Keep the planner's statistics of records and relationships close behind what is written.

The server's login owns no table and may not ANALYZE one, so a function of the owner does it, and only where a table
has grown by half since it was last analysed.

Revision: 0012
Follows: 0011
"""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = ("records", "relationships")
# Taking a sample costs the same however large the table is: it may be taken often.
AUTOVACUUM = {"autovacuum_analyze_threshold": "50", "autovacuum_analyze_scale_factor": "0.02"}
BEHIND = """
CREATE FUNCTION oneo_is_unanalysed(of_table regclass) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN (
        SELECT c.reltuples < 0
            OR pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::integer > c.relpages * 1.5
        FROM pg_catalog.pg_class c WHERE c.oid = of_table
    );
END $$
"""
ANY_BEHIND = """
CREATE FUNCTION oneo_statistics_are_behind() RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN public.oneo_is_unanalysed('public.records') OR public.oneo_is_unanalysed('public.relationships');
END $$
"""
ANALYSE = """
CREATE FUNCTION oneo_analyse() RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF public.oneo_is_unanalysed('public.records') THEN
        ANALYZE (SKIP_LOCKED) public.records;
    END IF;
    IF public.oneo_is_unanalysed('public.relationships') THEN
        ANALYZE (SKIP_LOCKED) public.relationships;
    END IF;
END $$
"""
FUNCTIONS = {
    "oneo_is_unanalysed(regclass)": BEHIND,
    "oneo_statistics_are_behind()": ANY_BEHIND,
    "oneo_analyse()": ANALYSE,
}
# A type belongs to one tenant and mostly to one pair of pipelines: without this each further condition of that kind
# makes PostgreSQL expect a hundredth of the rows.
EXTENDED = {
    "st_records_pipeline": "(ndistinct, dependencies) ON tenant_id, pipeline_id FROM records",
    "st_relationships_type": "(ndistinct, dependencies) ON tenant_id, type_id, source_pipeline_id, target_pipeline_id "
    "FROM relationships",
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in TABLES:
        settings = ", ".join(f"{name} = {value}" for name, value in AUTOVACUUM.items())
        op.execute(f"ALTER TABLE {table} SET ({settings})")
    for signature, definition in FUNCTIONS.items():
        op.execute(definition)
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO oneo_app")
    for name, definition in EXTENDED.items():
        op.execute(f"CREATE STATISTICS {name} {definition}")


def downgrade() -> None:
    for name in EXTENDED:
        op.execute(f"DROP STATISTICS {name}")
    for signature in reversed(FUNCTIONS):
        op.execute(f"DROP FUNCTION {signature}")
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} RESET ({', '.join(AUTOVACUUM)})")
