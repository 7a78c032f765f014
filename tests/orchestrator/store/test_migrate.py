from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from orchestrator.store.database import Database
from orchestrator.store.migrate import migrate
from orchestrator.store.tables import metadata


def test_migrations_make_what_the_tables_say(database_url: str) -> None:
    migrate(database_url)
    database = Database(database_url)
    try:
        with database.read() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []
            partial = [
                index["name"]
                for name in ("build", "preparation", "attempt", "engine")
                for index in inspect(connection).get_indexes(name)
                if any(key.endswith("_where") for key in index.get("dialect_options", {}))
            ]
        # Without their condition these would forbid a second build of a key for ever.
        assert sorted(filter(None, partial)) == [
            "ix_attempt_live",
            "ix_build_ended",
            "ix_engine_good",
            "ix_engine_quarantined",
            "uq_attempt_live_slot",
            "uq_build_active_purpose",
            "uq_preparation_active_key",
        ]
    finally:
        database.close()


def test_migrating_twice_changes_nothing(database_url: str) -> None:
    migrate(database_url)
    migrate(database_url)
