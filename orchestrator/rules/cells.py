"""What a cell of the matrix of models and targets says, from the newest engine and the newest build there. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from farm.protocol.states import ENDED_STATES, State


@dataclass(frozen=True)
class NewestEngine:
    """The newest engine of a cell that can be fetched.

    Attributes:
        current: It is of the model that the name points at now.
        verdict: Of its newest verification; empty where there is none.
        median_ms: Of its newest measurement that was not noisy.
        noisy: It was measured, and never without noise.
    """

    id: str
    precision: str
    size_bytes: int
    degraded: bool
    created_at: float
    current: bool
    verdict: str
    median_ms: float | None
    noisy: bool


@dataclass(frozen=True)
class NewestBuild:
    """The newest build of a cell."""

    id: str
    state: State
    created_at: float


class Standing(Enum):
    """Where a cell stands. `stale` has an engine, of an earlier model of the name."""

    READY = "ready"
    STALE = "stale"
    BUILDING = "building"
    FAILED = "failed"
    QUARANTINED = "quarantined"
    HOLE = "hole"
    NOBODY = "nobody"


_BAD = {State.FAILED: Standing.FAILED, State.QUARANTINED: Standing.QUARANTINED}


def standing(engine: NewestEngine | None, build: NewestBuild | None, served: bool) -> Standing:
    """Where a cell stands: what happens there now first, then how its newest build ended, then what it has.

    Args:
        engine: What can be fetched.
        build: The newest, whatever became of it.
        served: Some device builds for this target.
    """
    if build and build.state not in ENDED_STATES:
        return Standing.BUILDING
    if build and build.state in _BAD and (engine is None or build.created_at > engine.created_at):
        return _BAD[build.state]
    if engine:
        return Standing.READY if engine.current else Standing.STALE
    return Standing.HOLE if served else Standing.NOBODY


def may_submit(stands: Standing, served: bool) -> bool:
    """True where a new engine would help and some device could build it."""
    return served and stands not in (Standing.READY, Standing.BUILDING)
