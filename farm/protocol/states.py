"""The words for where a thing stands. Which move is allowed is decided in `orchestrator.rules.lifecycle`."""

from __future__ import annotations

from enum import Enum


class Word(str, Enum):
    """A string with a fixed set of spellings; prints as itself on every Python."""

    def __str__(self) -> str:
        return str(self.value)


class Scope(Word):
    """What a token may do. `admin` may do everything."""

    ADMIN = "admin"
    SUBMIT = "submit"
    FETCH = "fetch"
    WORKER = "worker"


class Role(Word):
    """What a worker does: `host` prepares graphs and references, `device` builds engines."""

    HOST = "host"
    DEVICE = "device"


class State(Word):
    """Where a build stands; a request has the same words and `cached`; a preparation uses a subset."""

    WAITING = "waiting"
    QUEUED = "queued"
    LEASED = "leased"
    PREPARING = "preparing"
    REFERENCING = "referencing"
    COMPILING = "compiling"
    BUILDING = "building"
    VERIFYING = "verifying"
    BENCHMARKING = "benchmarking"
    PUBLISHING = "publishing"
    DONE = "done"
    CACHED = "cached"
    FAILED = "failed"
    CANCELLED = "cancelled"
    QUARANTINED = "quarantined"


BUILD_STAGES = (State.COMPILING, State.BUILDING, State.VERIFYING, State.BENCHMARKING, State.PUBLISHING)
PREPARATION_STAGES = (State.PREPARING, State.REFERENCING, State.PUBLISHING)
LEASED_STATES = frozenset((State.LEASED, *BUILD_STAGES, *PREPARATION_STAGES))
ENDED_STATES = frozenset((State.DONE, State.CACHED, State.FAILED, State.CANCELLED, State.QUARANTINED))
ACTIVE_STATES = frozenset(State) - ENDED_STATES
GOOD_STATES = frozenset((State.DONE, State.CACHED))


class DeviceState(Word):
    """Where a device stands, by its drain switch and the age of its last heartbeat."""

    IDLE = "idle"
    BUSY = "busy"
    DRAINING = "draining"
    LATE = "late"
    GONE = "gone"
    RECORDED = "recorded"
    RETIRED = "retired"


class AttemptEnd(Word):
    """How a lease ended."""

    PUBLISHED = "published"
    FAILED = "failed"
    CANCELLED = "cancelled"
    RELEASED = "released"
    EXPIRED = "expired"
