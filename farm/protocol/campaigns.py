"""Upgrade campaigns: every live model built anew on another toolchain, compared, then promoted or not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Optional, Tuple

from .options import Precision
from .report import Verdict
from .states import State, Word


class CampaignState(Word):
    """Where a campaign stands. What fetch serves hangs on it: the new engines once it is `promoted`, or `closed`."""

    RUNNING = "running"
    READY = "ready"
    HELD = "held"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    CLOSED = "closed"


class Speed(Word):
    """How the median of a new engine compares with that of its former one."""

    FASTER = "faster"
    WITHIN_NOISE = "within noise"
    SLOWER = "slower"
    INCOMPARABLE = "not comparable"


@dataclass(frozen=True)
class SpeedChange:
    """What became of a median.

    Attributes:
        percent: How much longer it takes now, negative where it is faster; None where the two do not compare.
        noise_percent: A difference up to here says nothing.
        reason: Why they do not compare.
    """

    speed: Speed
    percent: Optional[float] = None
    noise_percent: Optional[float] = None
    reason: str = ""


@dataclass(frozen=True)
class CampaignAsk:
    """One `farm campaign start`.

    Attributes:
        backend: Of the toolchain, such as `tensorrt`.
        version: Of its runtime, as far as it is written: `10.16` is also 10.16.1.11.
        targets: Words, as of a submission; only what builds with the toolchain counts.
        models: Names; empty means every live model.
        fail_if_slower_percent: A median that grows by more, and by more than the noise, holds the campaign.
        idempotency: Made by the client; the same one twice is one campaign.
    """

    backend: str
    version: str
    targets: Tuple[str, ...]
    models: Tuple[str, ...] = ()
    fail_if_slower_percent: Optional[float] = None
    priority: int = 0
    idempotency: Optional[str] = None


@dataclass(frozen=True)
class EngineStand:
    """One side of a comparison: an engine with its newest evidence.

    Attributes:
        latency_ms: Median; None where it was not measured, or never without noise.
        max_error: The largest absolute error over all outputs.
    """

    engine: str
    version: str
    size_bytes: int
    built_on: str
    verdict: Optional[Verdict] = None
    max_error: Optional[float] = None
    latency_ms: Optional[float] = None


@dataclass(frozen=True)
class CampaignItem:
    """One engine that is built anew: a model in one variant on one kind of device.

    Attributes:
        number: From 1, within its campaign.
        target: Label of what is built for.
        state: Of its request; `waiting` until it is ordered.
        before: What fetch serves until the campaign is promoted; None once it was removed.
        speed: None until the new engine is there.
        problem: What stands against promoting it, one sentence; empty while it is built, and where it is good.
        superseded: The name points at another model by now.
    """

    number: int
    model_name: str
    model: str
    target: str
    precision: Precision
    state: State
    submission: Optional[str] = None
    build: Optional[str] = None
    before: Optional[EngineStand] = None
    after: Optional[EngineStand] = None
    speed: Optional[SpeedChange] = None
    exit_code: Optional[int] = None
    problem: str = ""
    superseded: bool = False


@dataclass(frozen=True)
class CampaignView:
    """A campaign.

    Attributes:
        version: Full version of the toolchain.
        states: How many of its engines are in which state.
        reason: Why it is held, in one sentence; else empty.
        decided_by: Name of the token that promoted, held, rolled back or closed it; empty where the farm did.
    """

    id: str
    state: CampaignState
    backend: str
    version: str
    targets: Tuple[str, ...]
    created_at: str
    created_by: str
    models: Tuple[str, ...] = ()
    fail_if_slower_percent: Optional[float] = None
    states: Dict[str, int] = field(default_factory=dict)
    reason: str = ""
    decided_at: Optional[str] = None
    decided_by: str = ""


@dataclass(frozen=True)
class CampaignDetail:
    """One campaign with what became of each engine.

    Attributes:
        exit_code: What a waiting command answers for all of them; None while one is built.
    """

    campaign: CampaignView
    items: Tuple[CampaignItem, ...] = ()
    exit_code: Optional[int] = None
