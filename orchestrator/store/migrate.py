"""Brings a database to the schema of this version."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config

from .database import Database


def migrate(url: str, revision: str = "head") -> None:
    """Create or upgrade the tables, in one transaction; a database that is up to date is left alone.

    Raises: Unavailable, StorageFull
    """
    database = Database(url)
    try:
        with database.write() as connection:
            config = Config()
            config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    finally:
        database.close()
