"""What a worker is told of its engine."""

from __future__ import annotations

from dataclasses import dataclass

from farm.protocol.states import State


@dataclass(frozen=True)
class Published:
    """The engine that became visible, and how its build ended: `done` or `quarantined`."""

    engine: str
    state: State
