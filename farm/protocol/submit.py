"""What a client asks for and what it is told: submissions, plans, fetches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Optional, Tuple

from .engine import EngineManifest
from .facts import DeviceFacts
from .keys import RequestKey
from .model import NO_MODEL, ModelManifest
from .options import BenchmarkPolicy, BuildOptions, Precision, ReferencePolicy, VerifyPolicy
from .requirement import Tier
from .timing import TimingCacheUse


@dataclass(frozen=True)
class SubmitAsk:
    """One `farm submit`: a model to several targets. The model's blobs are stored before it is sent.

    Attributes:
        name: The tag that will point at the model's digest.
        model: None compiles the plugins for the targets, and nothing else.
        targets: Words: names, aliases, device names, attribute filters, or `all`.
        force: Build although an engine, a failed or a quarantined build with this key exists.
        accept_degraded: An engine built on a degraded rung is a hit.
        idempotency: Made by the client; the same one twice is one submission.
        plugins: `name`, or `name@digest` for one source of it: used whatever else has its operators.
    """

    name: str
    model: Optional[ModelManifest]
    targets: Tuple[str, ...]
    options: BuildOptions = field(default_factory=BuildOptions)
    reference: ReferencePolicy = field(default_factory=ReferencePolicy)
    verify: VerifyPolicy = field(default_factory=VerifyPolicy)
    benchmark: BenchmarkPolicy = field(default_factory=BenchmarkPolicy)
    steps: Optional[Tuple[str, ...]] = None
    priority: int = 0
    tags: Dict[str, str] = field(default_factory=dict)
    force: bool = False
    accept_degraded: bool = False
    idempotency: Optional[str] = None
    timing_cache: TimingCacheUse = TimingCacheUse.SHARED
    plugins: Tuple[str, ...] = ()

    @property
    def manifest(self) -> ModelManifest:
        """The files of the model; none where it only compiles."""
        return NO_MODEL if self.model is None else self.model


@dataclass(frozen=True)
class PlanRow:
    """What a submit would do for one target, without doing it.

    Attributes:
        word: What the user typed.
        target: Label of what it resolved to.
        precision_mechanism: What the precision word becomes there, such as `builder flag FP16`.
        plugin_generation: `IPluginV2DynamicExt`, `IPluginV3`, or `none`.
        key: Digest of the request key; None where the target cannot be served.
        hit: `hit`, `miss`, `building`, `failed` or `quarantined`.
        devices: Names that could build it now.
        recorded: Names of which only recorded facts are known, where nobody else could build it.
        estimate_s: From the farm's own history; None where there is none.
        problems: Why it cannot be built, one sentence each; empty where it can.
        plugin_operators: What of the prepared graph takes a plugin; None until it is prepared, and then the key may
            change: its plugins are those named and those found for these.
    """

    word: str
    target: str
    backend: str
    backend_version: str
    gpu: Optional[str]
    toolchain: Dict[str, str]
    precision_mechanism: str
    plugin_generation: str
    key: Optional[str]
    hit: str
    engine: Optional[str] = None
    devices: Tuple[str, ...] = ()
    estimate_s: Optional[float] = None
    problems: Tuple[str, ...] = ()
    request_key: Optional[RequestKey] = None
    recorded: Tuple[str, ...] = ()
    plugin_operators: Optional[Tuple[str, ...]] = None


@dataclass(frozen=True)
class Plan:
    """A row for each target."""

    name: str
    model: str
    rows: Tuple[PlanRow, ...]


@dataclass(frozen=True)
class FetchAsk:
    """Which engine of `name` fits these facts?

    Attributes:
        allow: The worst tier to accept.
        precision: Narrows several variants.
        key: Exactly this engine key, narrows several variants too.
    """

    name: str
    facts: DeviceFacts
    allow: Tier = Tier.SAME_MODEL
    precision: Optional[Precision] = None
    key: Optional[str] = None
    model: Optional[str] = None


@dataclass(frozen=True)
class Candidate:
    """One stored engine held against a device: it fits at a tier, or is refused, one line each."""

    engine: str
    target: str
    precision: Precision
    key: str
    tier: Optional[Tier]
    refusals: Tuple[str, ...] = ()


@dataclass(frozen=True)
class FetchAnswer:
    """The engine to take, and everything that was considered."""

    engine: str
    manifest: EngineManifest
    tier: Tier
    considered: Tuple[Candidate, ...] = ()
