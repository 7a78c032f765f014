"""Whether the database answers."""

from __future__ import annotations

from sqlalchemy import Connection, select

from .tables import token


def ask(connection: Connection) -> None:
    """Ask the schema for an answer; what goes wrong is raised by the transaction around it."""
    connection.execute(select(token.c.id).limit(1)).first()
