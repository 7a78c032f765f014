"""What the home page shows: the fleet at a glance."""

from __future__ import annotations

from dataclasses import dataclass

from . import fleet
from .context import Context


@dataclass(frozen=True)
class Glance:
    """A small table. `none` is said in the place of no rows."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    none: str


def tables(context: Context) -> tuple[Glance, ...]:
    """The tables of the home page."""
    devices = tuple(
        (item.name, str(item.state), ", ".join(item.labels), item.last_seen_at or "never")
        for item in fleet.standings(context)
    )
    return (Glance("Devices", ("name", "state", "builds for", "last seen"), devices, "No device has enrolled yet."),)
