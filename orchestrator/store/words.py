"""Rows of target words that users added."""

from __future__ import annotations

import json

from sqlalchemy import delete, insert, select

from orchestrator.rules.words import TargetWord

from .database import Connection
from .tables import target_word


def own(connection: Connection) -> tuple[TargetWord, ...]:
    """Every added word, by name."""
    rows = connection.execute(select(target_word).order_by(target_word.c.name)).mappings()
    return tuple(
        TargetWord(row["name"], row["filter"], tuple(json.loads(row["aliases"])), row["description"], builtin=False)
        for row in rows
    )


def put(connection: Connection, word: TargetWord) -> None:
    """Add a word, or replace the one of that name."""
    remove(connection, word.name)
    values = {
        "name": word.name,
        "filter": word.filter,
        "aliases": json.dumps(word.aliases),
        "description": word.description,
    }
    connection.execute(insert(target_word).values(**values))


def remove(connection: Connection, name: str) -> bool:
    """Forget a word; True when there was one."""
    return bool(connection.execute(delete(target_word).where(target_word.c.name == name)).rowcount)
