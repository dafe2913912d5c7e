"""Migrations create the tables of the models, and can be undone."""

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine, text

from models.base import Base
from tests.support.migrations import alembic, check_downgrades, load

CATALOGUE = """
    SELECT 'column', table_name, concat_ws(' ', column_name, udt_name, character_maximum_length,
        is_nullable, column_default)
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL
    SELECT 'constraint', CAST(CAST(conrelid AS regclass) AS text),
        concat_ws(' ', conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace = CAST('public' AS regnamespace)
    UNION ALL
    SELECT 'index', tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL
    SELECT 'function', proname, pg_get_functiondef(oid)
    FROM pg_proc WHERE pronamespace = CAST('public' AS regnamespace)"""


def catalogue(engine):
    """Return columns, constraints, indexes and functions, except Alembic's table."""
    with engine.connect() as connection:
        rows = connection.execute(text(CATALOGUE)).all()
    return {tuple(row) for row in rows if row[1] != "alembic_version"}


class TestModels:
    def test_migrations_create_the_tables_of_the_models(self, engine, config):
        command.upgrade(config, "head")

        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"compare_type": True, "compare_server_default": True}
            )
            assert compare_metadata(context, Base.metadata) == []

    def test_columns_constraints_and_indexes_are_equal(self, engine, config, new_database):
        """Compare what Alembic ignores: CHECKs, actions of foreign keys, predicates of indexes."""
        command.upgrade(config, "head")
        other = create_engine(new_database(), poolclass=NullPool)
        Base.metadata.create_all(other)

        assert catalogue(engine) - catalogue(other) == set()
        assert catalogue(other) - catalogue(engine) == set()

    def test_there_is_one_head(self, config):
        assert len(ScriptDirectory.from_config(config).get_heads()) == 1


class TestDowngrade:
    def test_each_migration_can_be_undone_and_repeated(self, engine, config):
        check_downgrades(engine, config, load)


class TestCommandLine:
    def test_missing_database_url_is_named(self, url):
        process = alembic("", "current")

        output = process.communicate(timeout=120)[0]
        assert process.returncode != 0
        assert "DATABASE_URL" in output.splitlines()[-1]

    def test_current_is_the_head_after_an_upgrade(self, url, config):
        command.upgrade(config, "head")

        process = alembic(url, "current")

        assert "(head)" in process.communicate(timeout=120)[0]
        assert process.returncode == 0
