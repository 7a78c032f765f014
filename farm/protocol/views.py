"""What lists and details show, to programs (`--json`) as to people. Times are ISO-8601 in UTC; fields are stable."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Optional, Tuple

from .engine import EngineManifest
from .facts import DeviceFacts
from .keys import RequestKey
from .options import Precision
from .plugins import DEFAULT_TRUST_GROUP
from .report import BenchmarkReport, Failure, VerificationReport
from .requirement import EngineRequirement
from .states import AttemptEnd, DeviceState, Role, Scope, State


@dataclass(frozen=True)
class StageTiming:
    """One stage of an attempt; `seconds` is None while it runs."""

    state: State
    started_at: str
    seconds: Optional[float] = None
    detail: str = ""


@dataclass(frozen=True)
class AttemptView:
    """One lease of a build or a preparation. `token` is not told to anybody but its holder.

    Attributes:
        child_ms: How long the child process worked, from the moment its inputs were there to its exit.
        log_bytes: Length of the stored log.
    """

    id: str
    device: str
    slot: str
    number: int
    started_at: str
    ended_at: Optional[str] = None
    end: Optional[AttemptEnd] = None
    stages: Tuple[StageTiming, ...] = ()
    failure: Optional[Failure] = None
    child_ms: float = 0.0
    log_bytes: int = 0


@dataclass(frozen=True)
class ProgressView:
    """How far an active build is.

    Attributes:
        phase: Of its stage, in the words of the backend; empty where that tells none.
        percent: Of the steps of the backend that are done; steps take unlike times. None where it does not count.
        elapsed_s: Since its device took it.
        estimate_s: An estimate of the whole time from the farm's own history; None where there is none.
        estimate_from: What the estimate was made from, such as `3 builds of this model`.
    """

    phase: str = ""
    percent: Optional[float] = None
    elapsed_s: float = 0.0
    estimate_s: Optional[float] = None
    estimate_from: str = ""


@dataclass(frozen=True)
class PreparationView:
    """One preparation with its attempts, oldest first."""

    id: str
    state: State
    model: str
    failure: Optional[Failure] = None
    attempts: Tuple[AttemptView, ...] = ()


@dataclass(frozen=True)
class RequestView:
    """One target of a submission.

    Attributes:
        target: The word the user typed (of a filter or `all`: the label of what it resolved to).
        exit_code: What a waiting command would answer for it; None while it is active.
        reason: Why it ended, or what it waits for; one sentence.
        progress: While a device works on it, in the view of one submission; lists leave it out.
    """

    id: str
    target: str
    label: str
    state: State
    key: str
    preparation: str
    build: Optional[str] = None
    engine: Optional[str] = None
    exit_code: Optional[int] = None
    reason: str = ""
    progress: Optional[ProgressView] = None


@dataclass(frozen=True)
class SubmissionView:
    """One `farm submit`. `state` is the least finished, else the worst, of its requests."""

    id: str
    name: str
    model: str
    state: State
    created_at: str
    created_by: str
    builds: Tuple[RequestView, ...] = ()
    tags: Dict[str, str] = field(default_factory=dict)
    priority: int = 0


@dataclass(frozen=True)
class BuildView:
    """One engine key being built, or built. `waiting_for` says why nothing happens yet."""

    id: str
    model_name: str
    model: str
    label: str
    key: str
    precision: Precision
    state: State
    created_at: str
    ended_at: Optional[str] = None
    device: Optional[str] = None
    engine: Optional[str] = None
    failure: Optional[Failure] = None
    attempts: Tuple[AttemptView, ...] = ()
    estimate_s: Optional[float] = None
    waiting_for: str = ""
    progress: Optional[ProgressView] = None


@dataclass(frozen=True)
class EngineView:
    """A stored engine, a row of the artifact database keyed by GPU.

    Attributes:
        gpu: Name of the card, `cpu`, or `ahead of time`.
        latency_ms: Median of the newest measurement that was not noisy.
        noisy: It was measured, and never without noise: there is no latency.
        current: The name points at this model now.
    """

    id: str
    model_name: str
    model: str
    label: str
    gpu: str
    backend: str
    backend_version: str
    precision: Precision
    key: str
    size_bytes: int
    created_at: str
    built_on: str
    verdict: str
    latency_ms: Optional[float] = None
    p99_ms: Optional[float] = None
    degraded: bool = False
    pinned: bool = False
    current: bool = False
    noisy: bool = False


@dataclass(frozen=True)
class EngineDetail:
    """One engine with everything known about it."""

    engine: EngineView
    manifest: EngineManifest
    verifications: Tuple[VerificationReport, ...] = ()
    benchmarks: Tuple[BenchmarkReport, ...] = ()


@dataclass(frozen=True)
class DeviceView:
    """A device of the fleet.

    Attributes:
        targets: Labels of what it can build for.
        words: Target words that select it.
        busy: Build or preparation ids, one for each busy slot.
    """

    id: str
    name: str
    state: DeviceState
    roles: Tuple[Role, ...]
    facts: DeviceFacts
    slots: Tuple[str, ...] = ()
    targets: Tuple[str, ...] = ()
    words: Tuple[str, ...] = ()
    busy: Tuple[str, ...] = ()
    trust_group: str = "default"
    last_seen_at: Optional[str] = None
    telemetry: Dict[str, float] = field(default_factory=dict)
    telemetry_at: Optional[str] = None


@dataclass(frozen=True)
class TargetView:
    """A word of the table of targets: what it means and who serves it now.

    Attributes:
        tried: What farm itself has been run with there, or that it was not run on such hardware; empty for own words.
    """

    name: str
    aliases: Tuple[str, ...]
    filter: str
    description: str
    devices: Tuple[str, ...] = ()
    builtin: bool = True
    tried: str = ""


@dataclass(frozen=True)
class ModelView:
    """A name, the digest it points at, and what is stored for it."""

    name: str
    model: str
    size_bytes: int
    updated_at: str
    engines: int = 0
    earlier: Tuple[str, ...] = ()


@dataclass(frozen=True)
class TokenView:
    """A token without its secret.

    Attributes:
        trust_group: That a device with it may be in.
    """

    id: str
    name: str
    scope: Scope
    created_at: str
    expires_at: Optional[str] = None
    revoked_at: Optional[str] = None
    device: Optional[str] = None
    targets: Tuple[str, ...] = ()
    trust_group: str = DEFAULT_TRUST_GROUP


@dataclass(frozen=True)
class NewToken:
    """A token at the only moment its secret is known."""

    token: TokenView
    secret: str


@dataclass(frozen=True)
class KeyView:
    """A request key in full, with its digest and where it was found."""

    digest: str
    key: RequestKey
    source: str
    requirement: Optional[EngineRequirement] = None


@dataclass(frozen=True)
class Event:
    """Something moved. `id` grows; a client that reconnects sends the last one it saw."""

    id: int
    at: str
    kind: str
    submission: Optional[str] = None
    build: Optional[str] = None
    device: Optional[str] = None
    data: Dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sweep:
    """What garbage collection removed, or would remove."""

    dry_run: bool
    blobs: int
    bytes: int
    engines: Tuple[str, ...] = ()
    kept_pinned: int = 0
