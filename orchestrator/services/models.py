"""Names, the models they point at, and what is stored for them."""

from __future__ import annotations

from farm.protocol.errors import NotFound
from farm.protocol.views import ModelView
from orchestrator.store import models
from orchestrator.store.models import NameRow

from .clock import iso
from .context import Context


def every(context: Context) -> tuple[ModelView, ...]:
    """Every name, the one that moved last first."""
    with context.database.read() as connection:
        return tuple(_view(row) for row in models.every(connection))


def show(context: Context, name: str) -> ModelView:
    """One name.

    Raises: NotFound
    """
    with context.database.read() as connection:
        row = models.by_name(connection, name)
    if row is None:
        raise NotFound(f"there is no model {name[:80]!r}", "Run farm models.")
    return _view(row)


def _view(row: NameRow) -> ModelView:
    return ModelView(row.name, row.model, row.size_bytes, iso(row.updated_at), row.engines, row.earlier)
