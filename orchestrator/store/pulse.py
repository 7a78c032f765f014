"""Whether the database answers, and takes what is written."""

from __future__ import annotations

import os

from sqlalchemy import Connection, select, text

from .tables import token

_READ_ONLY = "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean"


def ask(connection: Connection) -> None:
    """Ask the schema for an answer; what goes wrong is raised by the transaction around it."""
    connection.execute(select(token.c.id).limit(1)).first()


def is_read_only(connection: Connection) -> bool:
    """Nothing can be written: the server follows another one or was told so, or its file or file system takes nothing.

    Found without a write: a disk that hangs keeps nobody from looking.
    """
    if connection.dialect.name == "sqlite":
        path = connection.engine.url.database
        return path is not None and os.path.exists(path) and not os.access(path, os.W_OK)
    return bool(connection.execute(text(_READ_ONLY)).scalar_one())
