"""What a user asks for besides the model: precision, shapes, how to verify and how to measure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, Optional, Tuple

from .states import Word


class Precision(Word):
    """One word for every backend and version; what it became is in the engine's manifest."""

    FP32 = "fp32"
    TF32 = "tf32"
    FP16 = "fp16"
    BF16 = "bf16"
    INT8 = "int8"
    FP8 = "fp8"
    MIX = "mix"
    BEST = "best"


@dataclass(frozen=True)
class ShapeRange:
    """Smallest, best-tuned and largest shape of one input in a profile; equal for a fixed shape."""

    minimum: Tuple[int, ...]
    optimum: Tuple[int, ...]
    maximum: Tuple[int, ...]


@dataclass(frozen=True)
class BuildOptions:
    """How to build.

    Attributes:
        profiles: Each maps input names to ranges; empty means the shapes of the model.
        calibration: Digest of an .npz blob with samples for int8 and fp8, each array stacked along a new first axis.
        backend_options: Options of one backend by its own name (`builderOptimizationLevel`, ...); a builder refuses
            what its version cannot honour.
    """

    precision: Precision = Precision.FP32
    profiles: Tuple[Dict[str, ShapeRange], ...] = ()
    calibration: Optional[str] = None
    backend_options: Dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ReferencePolicy:
    """How reference inputs and outputs come to be.

    Attributes:
        seed: Of the generator for inputs that nobody gave.
        inputs: Digest of an .npz blob with one array for each input (`--loadInputs`).
        outputs: Digest of an .npz blob with the author's own outputs (`--loadRefOutputs`).
        values: Input name to one value for all its elements, such as a sample rate.
        ranges: Input name to lowest and highest value.
        shapes: Input name to the shape to use; else the optimum of the first profile, else the model's.
    """

    seed: int = 0
    inputs: Optional[str] = None
    outputs: Optional[str] = None
    values: Dict[str, float] = field(default_factory=dict)
    ranges: Dict[str, Tuple[float, ...]] = field(default_factory=dict)
    shapes: Dict[str, Tuple[int, ...]] = field(default_factory=dict)


class Statistic(Word):
    """Which error of an output is held against the tolerance."""

    ELEMWISE = "elemwise"
    MAX = "max"
    MEAN = "mean"
    MEDIAN = "median"


class Comparator(Word):
    """How two outputs are compared.

    `sorted`: the same values in any order along the last axis; `boxes`: the same rows in any order.
    """

    ORDERED = "ordered"
    SORTED = "sorted"
    BOXES = "boxes"


class VerifyBy(Word):
    """What an engine is held against.

    `reference`: what the preparation knows (the author's outputs, ONNX Runtime's, those of NumPy twins of plugins);
    `float32`: a float32 build by the same backend with the same plugins; `auto`: the first of the two there is.
    """

    AUTO = "auto"
    REFERENCE = "reference"
    FLOAT32 = "float32"


@dataclass(frozen=True)
class VerifyPolicy:
    """When an engine counts as right.

    Attributes:
        atol: Output name to absolute tolerance; `""` is for all others; absent means the default of the precision.
        rtol: Likewise, relative to the magnitude of the reference.
        statistic: The error that is held against the tolerance.
        comparators: Output name to comparator; absent means `ordered`.
        enabled: False publishes the engine as `unverified`.
        by: What it is held against.
    """

    atol: Dict[str, float] = field(default_factory=dict)
    rtol: Dict[str, float] = field(default_factory=dict)
    statistic: Statistic = Statistic.ELEMWISE
    comparators: Dict[str, Comparator] = field(default_factory=dict)
    enabled: bool = True
    by: VerifyBy = VerifyBy.AUTO


class ClockLock(Word):
    """Whether the clocks of a card are locked while it is timed: where its owner allows it, or else not at all."""

    OFF = "off"
    AUTO = "auto"
    REQUIRE = "require"


@dataclass(frozen=True)
class BenchmarkPolicy:
    """How an engine is measured.

    Attributes:
        warmup_ms: Time run before the first sample.
        iterations: At least so many samples.
        duration_s: At least so long.
        max_cv_percent: A wider coefficient of variation is `noisy` and its time is not published.
        attempts: How often a noisy measurement is repeated before it is reported as noisy.
        streams: Inferences in flight.
        cuda_graph: Launch the inference as a recorded CUDA graph; only on a GPU.
        spin_wait: Wait for the GPU with a busy core, some microseconds sooner; only on a GPU.
        lock_clocks: `auto` locks the clocks where the owner of the device allows it, and says so where not;
            `require` gives no time without.
    """

    warmup_ms: float = 200.0
    iterations: int = 10
    duration_s: float = 3.0
    max_cv_percent: float = 10.0
    attempts: int = 3
    streams: int = 1
    enabled: bool = True
    cuda_graph: bool = False
    spin_wait: bool = False
    lock_clocks: ClockLock = ClockLock.OFF


def with_shapes(policy: ReferencePolicy, options: BuildOptions) -> ReferencePolicy:
    """The policy with a shape for each input of the first profile; what the policy says itself stays."""
    if not options.profiles:
        return policy
    tuned = {name: shapes.optimum for name, shapes in options.profiles[0].items()}
    return replace(policy, shapes={**tuned, **policy.shapes})
