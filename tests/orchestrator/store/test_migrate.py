from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, inspect, select

from farm.protocol.codec import dumps
from farm.protocol.keys import PreparationKey, PreparationRecipe, StepCall
from farm.protocol.options import ReferencePolicy
from farm.protocol.states import State
from farm.protocol.work import Prepared
from orchestrator.store import plugins, preparations
from orchestrator.store.database import Database
from orchestrator.store.migrate import migrate
from orchestrator.store.tables import metadata, model


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
    database = Database(database_url)
    try:
        with database.write() as connection:
            row = {"digest": "a" * 64, "manifest": "{}", "size_bytes": 1, "created_at": 1.0}
            connection.execute(insert(model).values(row))
        before = _columns(database)
        migrate(database_url)
        with database.read() as connection:
            assert connection.execute(select(model.c.digest)).scalars().all() == ["a" * 64]
        assert _columns(database) == before
        assert len(before) > 20
    finally:
        database.close()


def _columns(database: Database) -> dict[str, list[str]]:
    """Each table with its columns and their types, and which revision the schema is of."""
    with database.read() as connection:
        seen = inspect(connection)
        columns = {
            name: [f"{item['name']} {item['type']}" for item in seen.get_columns(name)]
            for name in seen.get_table_names()
        }
        revision = MigrationContext.configure(connection).get_current_heads()
    return {**columns, "": list(revision)}


def test_operators_that_preparations_have_found_are_remembered(database_url: str) -> None:
    recipe = PreparationRecipe((StepCall("fold"),), {"onnx": "1.23.2"})
    key = PreparationKey("a" * 64, recipe, ReferencePolicy())
    made = Prepared((), (), (), None, None, "", plugin_operators=("own::Twice",))
    migrate(database_url, "0007")
    database = Database(database_url)
    try:
        with database.write() as connection:
            row = {"digest": key.model, "manifest": "{}", "size_bytes": 1, "created_at": 1.0}
            connection.execute(insert(model).values(row))
            preparations.add(connection, "prp-1", key, 0, 1.0)
            preparations.change(connection, "prp-1", state=State.DONE, active=False, prepared=dumps(made))
        migrate(database_url)
        with database.read() as connection:
            assert plugins.operators_of(connection, key.model, recipe) == ("own::Twice",)
            assert plugins.operators_of(connection, key.model, PreparationRecipe(())) is None
    finally:
        database.close()
