"""What a worker tells about its work: failures, verification, measurement."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Optional, Tuple

from .options import BenchmarkPolicy, VerifyPolicy
from .states import State, Word


class FailureKind(Word):
    """Why a stage failed. `lost` and `released` are nobody's fault and are tried again by the coordinator."""

    INVALID = "invalid"
    UNSUPPORTED = "unsupported"
    FAILED = "failed"
    CRASHED = "crashed"
    OUT_OF_MEMORY = "out_of_memory"
    TIMED_OUT = "timed_out"
    TRANSFER = "transfer"
    LOST = "lost"


@dataclass(frozen=True)
class Failure:
    """The first error of a stage; later ones are consequences and stay in the log.

    Attributes:
        message: One sentence.
        hint: The next step, or empty.
        log_tail: The last lines of the child, at most 4 kB.
        signal: Name of the signal that killed the child, such as `SIGSEGV`.
        reproduce: Shell command that repeats the stage on the device.
    """

    kind: FailureKind
    stage: State
    message: str
    hint: str = ""
    log_tail: str = ""
    signal: Optional[str] = None
    reproduce: Optional[str] = None


@dataclass(frozen=True)
class ErrorStatistics:
    """The differences of one output from its reference. None where a side holds nothing finite to compare."""

    maximum: Optional[float] = None
    mean: Optional[float] = None
    median: Optional[float] = None


class Verdict(Word):
    """`unverified` is neither right nor wrong: constant or saturated outputs prove nothing."""

    PASSED = "passed"
    FAILED = "failed"
    UNVERIFIED = "unverified"


@dataclass(frozen=True)
class OutputVerification:
    """How one output compares with its reference.

    Attributes:
        mismatched: Elements outside the tolerance.
        worst_index: Index of the element that exceeds its tolerance most.
        values: How many of its values are kept: those at `i * elements // values`.
    """

    name: str
    verdict: Verdict
    reason: str
    shape: Tuple[int, ...]
    atol: float
    rtol: float
    absolute: ErrorStatistics = field(default_factory=ErrorStatistics)
    relative: ErrorStatistics = field(default_factory=ErrorStatistics)
    cosine: Optional[float] = None
    nan_count: int = 0
    inf_count: int = 0
    elements: int = 0
    mismatched: int = 0
    worst_index: Tuple[int, ...] = ()
    values: int = 0


@dataclass(frozen=True)
class VerificationReport:
    """The verdict over all outputs: failed if one failed, passed only if all passed.

    Attributes:
        reference: Where the reference came from: `onnxruntime <version>, optimisations off`, `author`, ...
        inputs: Digest of the blob with the inputs; engines that ran the same ones compare.
        values: Digest of the blob with some values of each output, in the order of the outputs: zlib over little-endian
            float64.
    """

    verdict: Verdict
    reference: str
    outputs: Tuple[OutputVerification, ...]
    policy: VerifyPolicy
    reason: str = ""
    inputs: Optional[str] = None
    values: Optional[str] = None


@dataclass(frozen=True)
class Percentiles:
    """Latencies in milliseconds; a percentile is the sample at `ceil(p · n) - 1` of the sorted samples, as trtexec."""

    minimum_ms: float
    mean_ms: float
    median_ms: float
    p90_ms: float
    p95_ms: float
    p99_ms: float
    maximum_ms: float


@dataclass(frozen=True)
class BenchmarkReport:
    """A measurement with its evidence.

    Attributes:
        method: Who timed it: `farm` for every builder but those that can only time themselves.
        latency: None when noisy or refused: a number nobody should quote is not stored as one. On a GPU the sum of
            the phases.
        throughput_per_s: Inferences finished in a second.
        noisy: The spread stayed above the policy's limit in all attempts.
        cv_percent: Of the last attempt.
        samples: Digest of the blob with every sample: zlib over little-endian float64 milliseconds.
        evidence: What was true before and after: clocks, load, temperature, throttle reasons, versions.
        phases: On a GPU `h2d`, `compute` and `d2h` by its own clock, and `host`, the wall time of the whole call.
        layers: Slowest parts of the engine where the runtime tells them: name, mean ms, share of the total.
    """

    method: str
    protocol: str
    policy: BenchmarkPolicy
    iterations: int
    latency: Optional[Percentiles]
    throughput_per_s: Optional[float]
    cv_percent: float
    noisy: bool
    attempts: int = 1
    samples: Optional[str] = None
    evidence: Dict[str, Any] = field(default_factory=dict)
    layers: Tuple[Dict[str, Any], ...] = ()
    reason: str = ""
    phases: Dict[str, Percentiles] = field(default_factory=dict)
