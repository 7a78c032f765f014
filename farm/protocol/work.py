"""What coordinator and worker say about work: claims, leases, stages, results.

A worker asks with `ClaimAsk`, gets a `Claim` (or nothing), and holds the lease by calling `beat` again and again: each
`Beat` extends the lease at the moment it arrives and is answered when the coordinator has something to say, or when
`wait_s` is over. So a cancel arrives at once, with or without a broker.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Optional, Tuple

from .detection import Detection
from .engine import TensorSpec
from .facts import DeviceFacts
from .keys import PreparationKey, RequestKey
from .model import FileRef, ModelManifest
from .options import BenchmarkPolicy, VerifyBy, VerifyPolicy
from .plugins import PluginWork
from .report import BenchmarkReport, Failure, VerificationReport
from .requirement import EngineRequirement
from .states import Role, State
from .timing import TimingCacheGiven


@dataclass(frozen=True)
class Enrolment:
    """A worker introduces its device. Repeated at every start; the token stays tied to the device's name.

    Attributes:
        slots: Names of the accelerator slots, such as `cpu0` or `gpu0`: each holds one lease at a time.
        targets: Words the owner lets this device serve; empty means all that its facts allow.
    """

    name: str
    facts: DeviceFacts
    roles: Tuple[Role, ...]
    slots: Tuple[str, ...]
    targets: Tuple[str, ...] = ()
    trust_group: str = "default"


@dataclass(frozen=True)
class Enrolled:
    """The coordinator's answer: who the device is now, and how it will be woken.

    Attributes:
        broker_url: None where workers poll.
        broker_prefix: Key prefix of this device's queue in the broker.
        queue: Name of the Celery queue.
        poll_s: How often an idle worker claims without being woken.
        heartbeat_s: How often the device tells that it lives.
    """

    device: str
    broker_url: Optional[str]
    broker_prefix: str
    queue: str
    poll_s: float
    heartbeat_s: float
    lease_ttl_s: float


@dataclass(frozen=True)
class Heartbeat:
    """A device lives; `telemetry` holds plain numbers by name (`temperature_celsius`, `memory_used_bytes`, ...)."""

    telemetry: Dict[str, float] = field(default_factory=dict)
    sampled_s_ago: float = 0.0


@dataclass(frozen=True)
class HeartbeatAnswer:
    """What the device should do: `drain` finishes what runs and claims no more; `enrol` sends the facts again."""

    drain: bool = False
    enrol: bool = False


@dataclass(frozen=True)
class ClaimAsk:
    """A free slot asks for work.

    Attributes:
        hint: Id from a wake-up: looked at first, never trusted.
        wait_s: How long the coordinator may hold the question open when there is nothing to do.
        nonce: Made by the worker; the same nonce asked twice (a lost answer) gets the same lease again.
    """

    slot: str
    roles: Tuple[Role, ...]
    nonce: str
    hint: Optional[str] = None
    wait_s: float = 0.0


@dataclass(frozen=True)
class Lease:
    """The right to work: attempt id and fencing token. `ttl_s` counts from the answer, on the coordinator's clock."""

    attempt: str
    token: int
    ttl_s: float


# In `Prepared.reference` of a model that gives something else each time.
DRAWS_RANDOM = "the model draws random numbers"


@dataclass(frozen=True)
class Prepared:
    """The graph(s) and references that a preparation made.

    Attributes:
        files: The prepared graph (`model.onnx`) and its external data.
        reference_inputs: Digest of the .npz blob; one array for each input.
        reference_outputs: Digest of the .npz blob; None where no runtime of the host can run the graph.
        reference: Where the outputs came from.
        steps: For each step: name, nodes before and after, seconds.
        plugin_operators: What neither ONNX nor ONNX Runtime knows, each once, with its domain.
        detection: What the prepared graph says of pictures and of what it finds in them.
    """

    files: Tuple[FileRef, ...]
    inputs: Tuple[TensorSpec, ...]
    outputs: Tuple[TensorSpec, ...]
    reference_inputs: Optional[str]
    reference_outputs: Optional[str]
    reference: str
    steps: Tuple[Dict[str, Any], ...] = ()
    plugin_operators: Tuple[str, ...] = ()
    detection: Optional[Detection] = None

    @property
    def blobs(self) -> Tuple[str, ...]:
        """The digest of everything it consists of."""
        references = (self.reference_inputs, self.reference_outputs)
        return (*(item.sha256 for item in self.files), *(item for item in references if item))


@dataclass(frozen=True)
class PreparationWork:
    """Make this preparation."""

    preparation: str
    key: PreparationKey
    model: ModelManifest


@dataclass(frozen=True)
class ReuseEngine:
    """An engine that exists and only has to be verified or measured under another policy."""

    engine: str
    files: Tuple[FileRef, ...]
    inputs: Tuple[TensorSpec, ...]
    outputs: Tuple[TensorSpec, ...]


@dataclass(frozen=True)
class BuildWork:
    """Build (or, with `reuse`, only verify and measure) this engine.

    Attributes:
        deadline_s: The child is killed after so long.
        timing_cache: None where it shall do without.
        plugins: What its key names, with the sources; a library of the fleet may serve instead of compiling one.
    """

    build: str
    model_name: str
    key: RequestKey
    prepared: Prepared
    verify: VerifyPolicy
    benchmark: BenchmarkPolicy
    deadline_s: float
    reuse: Optional[ReuseEngine] = None
    timing_cache: Optional[TimingCacheGiven] = None
    plugins: Tuple[PluginWork, ...] = ()

    @property
    def only_compiles(self) -> bool:
        """There is no model: it ends with `Compiled` once the library of each plugin is published."""
        return self.key.only_compiles

    @property
    def needs_float32(self) -> bool:
        """Its engine is held against a float32 build: the policy says so, or nobody else answers for its plugins.

        Never where the model draws random numbers: no two builds give the same.
        """
        random = DRAWS_RANDOM in self.prepared.reference
        if not self.verify.enabled or self.verify.by is VerifyBy.REFERENCE or random:
            return False
        nobody = self.prepared.reference_outputs is None and bool(self.prepared.plugin_operators)
        return self.verify.by is VerifyBy.FLOAT32 or nobody


@dataclass(frozen=True)
class Claim:
    """A lease with exactly one kind of work."""

    lease: Lease
    build: Optional[BuildWork] = None
    preparation: Optional[PreparationWork] = None


@dataclass(frozen=True)
class Beat:
    """Holds a lease; see the module."""

    token: int
    wait_s: float = 0.0


@dataclass(frozen=True)
class Control:
    """What the coordinator wants of a running lease; nothing means go on and beat again."""

    cancel: bool = False
    reason: str = ""


@dataclass(frozen=True)
class StageReport:
    """The work entered a stage. `child_ms` is the time its child has existed so far, for the overhead figure."""

    token: int
    state: State
    detail: str = ""
    child_ms: float = 0.0


@dataclass(frozen=True)
class ProgressReport:
    """How far a build is inside its stage. Told now and then; a lost one costs nothing.

    Attributes:
        phase: In the words of the backend.
        share: Of its steps that are done, from 0 to 1, which is no share of the time; None where it does not count.
    """

    token: int
    phase: str
    share: Optional[float] = None


@dataclass(frozen=True)
class PreparationResult:
    """A preparation is complete; its blobs are stored."""

    token: int
    prepared: Prepared
    child_ms: float = 0.0


@dataclass(frozen=True)
class BuildResult:
    """An engine is complete; its blobs are stored. Publishing it is one transaction in the coordinator."""

    token: int
    files: Tuple[FileRef, ...]
    inputs: Tuple[TensorSpec, ...]
    outputs: Tuple[TensorSpec, ...]
    requirement: EngineRequirement
    effective: Dict[str, Any]
    verification: VerificationReport
    benchmark: Optional[BenchmarkReport]
    degraded: bool = False
    child_ms: float = 0.0


@dataclass(frozen=True)
class FailureReport:
    """The work failed, and why."""

    token: int
    failure: Failure
    child_ms: float = 0.0
