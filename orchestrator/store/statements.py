"""Statements that are made once: making one costs several times what running it does."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Select, Table, Update, bindparam, insert, select, update

_NEW = "new_"


@cache
def by_id(table: Table, lock: bool = False) -> Select[Any]:
    """The row whose id is the parameter `id`; locked against other writers when asked."""
    query = select(table).where(table.c.id == bindparam("id"))
    return query.with_for_update() if lock else query


@cache
def adding(table: Table) -> Insert:
    """An insert of whatever columns its parameters name."""
    return insert(table)


def records(connection: Connection, query: Select[Any], given: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """The rows of a query as dictionaries of their columns; a mapping view of each would cost more than the query."""
    result = connection.execute(query, given or {})
    names = tuple(result.keys())
    return [dict(zip(names, row, strict=True)) for row in result.all()]


def change(connection: Connection, table: Table, row_id: str, columns: dict[str, Any]) -> None:
    """Change single columns of one row."""
    values = {_NEW + name: value for name, value in columns.items()}
    connection.execute(_changing(table, tuple(columns)), {"row_id": row_id, **values})


@cache
def _changing(table: Table, columns: tuple[str, ...]) -> Update:
    # A parameter of an update may not be called like one of its columns.
    new: dict[str, Any] = {name: bindparam(_NEW + name) for name in columns}
    return update(table).where(table.c.id == bindparam("row_id")).values(new)
