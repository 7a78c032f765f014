"""Values that look like those of a real farm, for tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, Tuple

from farm.protocol.engine import EngineManifest, TensorSpec
from farm.protocol.facts import BackendFacts, CpuFacts, DeviceFacts
from farm.protocol.keys import PreparationRecipe, RequestKey, StepCall
from farm.protocol.model import FileRef
from farm.protocol.options import BenchmarkPolicy, BuildOptions, Precision, VerifyPolicy
from farm.protocol.report import (
    BenchmarkReport,
    ErrorStatistics,
    Failure,
    FailureKind,
    OutputVerification,
    Percentiles,
    Verdict,
    VerificationReport,
)
from farm.protocol.requirement import requirement_from_target
from farm.protocol.states import AttemptEnd, DeviceState, Role, State
from farm.protocol.submit import PlanRow
from farm.protocol.target import targets_from_facts
from farm.protocol.views import (
    AttemptView,
    DeviceView,
    EngineDetail,
    EngineView,
    ModelView,
    StageTiming,
    TargetView,
)

NOW = "2026-01-02T03:04:05Z"


def cpu_facts(**changes: Any) -> DeviceFacts:
    """A processor with ONNX Runtime."""
    facts = DeviceFacts(
        hostname="here",
        platform="linux-x86_64",
        os="Debian GNU/Linux 12",
        libc="glibc-2.36",
        python="3.11.2",
        cpu=CpuFacts("AMD EPYC 9654", 8, ("avx2", "avx512f")),
        memory_bytes=16 << 30,
        backends=(BackendFacts("onnxruntime", "1.31.1"),),
    )
    return replace(facts, **changes)


def key(**changes: Any) -> RequestKey:
    """The key of a float32 engine for the processor of `cpu_facts`."""
    (target,) = targets_from_facts(cpu_facts())
    recipe = PreparationRecipe((StepCall("fold"), StepCall("simplify")), {"onnx": "1.23.2"})
    return replace(RequestKey("d" * 64, recipe, BuildOptions(), target), **changes)


def latency(median_ms: float = 1.25) -> Percentiles:
    """Percentiles around a median."""
    return Percentiles(
        median_ms * 0.9, median_ms * 1.01, median_ms, median_ms * 1.1, median_ms * 1.2, median_ms * 1.4, 3
    )


def benchmark(median_ms: float = 1.25, **changes: Any) -> BenchmarkReport:
    """A calm measurement."""
    report = BenchmarkReport(
        method="farm",
        protocol="warm-up 200 ms, then 10 inferences and 3 s",
        policy=BenchmarkPolicy(),
        iterations=2400,
        latency=latency(median_ms),
        throughput_per_s=1000 / median_ms,
        cv_percent=1.7,
        noisy=False,
        evidence={"before": {"load_1m": 0.1}},
        layers=({"name": "conv1", "operator": "Conv", "mean_ms": 0.6, "share": 0.48},),
    )
    return replace(report, **changes)


def verification(verdict: Verdict = Verdict.PASSED) -> VerificationReport:
    """A verdict about one output."""
    output = OutputVerification(
        name="y",
        verdict=verdict,
        reason="",
        shape=(1, 10),
        atol=1e-5,
        rtol=1e-5,
        absolute=ErrorStatistics(3.5e-7, 1e-7, 1e-7),
        relative=ErrorStatistics(2e-6, 1e-6, 1e-6),
        cosine=1.0,
        elements=10,
    )
    return VerificationReport(verdict, "onnxruntime 1.31.1, optimisations off", (output,), VerifyPolicy())


def manifest(files: Tuple[FileRef, ...] = (), **changes: Any) -> EngineManifest:
    """The manifest of a float32 engine for `cpu_facts`."""
    made = EngineManifest(
        model_name="net",
        model="d" * 64,
        key=key(),
        requirement=requirement_from_target(key().target),
        files=files or (FileRef("model.onnx", 3, "c" * 64),),
        inputs=(TensorSpec("x", "float32", (1, 3)),),
        outputs=(TensorSpec("y", "float32", (1, 10)),),
        built_on="here",
        built_at=NOW,
        verification=verification(),
        benchmark=benchmark(),
    )
    return replace(made, **changes)


def engine_view(engine: str = "eng-1", **changes: Any) -> EngineView:
    """A row of the list of engines."""
    view = EngineView(
        id=engine,
        model_name="net",
        model="d" * 64,
        label="cpu avx512f · onnxruntime 1.31.1",
        gpu="cpu",
        backend="onnxruntime",
        backend_version="1.31.1",
        precision=Precision.FP32,
        key=key().digest,
        size_bytes=1 << 20,
        created_at=NOW,
        built_on="here",
        verdict="passed",
        latency_ms=1.25,
        p99_ms=1.75,
        current=True,
    )
    return replace(view, **changes)


def engine_detail(engine: str = "eng-1", median_ms: float = 1.25, **changes: Any) -> EngineDetail:
    """An engine with one verification and one benchmark."""
    view = engine_view(engine, latency_ms=median_ms, p99_ms=median_ms * 1.4)
    made = manifest(**{"benchmark": benchmark(median_ms), **changes})
    return EngineDetail(view, made, (verification(),), (benchmark(median_ms),))


def attempt(state: State) -> AttemptView:
    """The attempt of a build that has reached a state."""
    end: Dict[State, AttemptEnd] = {State.DONE: AttemptEnd.PUBLISHED, State.CACHED: AttemptEnd.PUBLISHED}
    stages = (StageTiming(State.BUILDING, NOW, 1.5), StageTiming(State.VERIFYING, NOW, 0.5))
    return AttemptView("a1", "here", "cpu0", 1, NOW, NOW, end.get(state), stages, child_ms=12000.0)


def failure() -> Failure:
    """Why a build failed."""
    return Failure(FailureKind.FAILED, State.BUILDING, "the operator Foo is unknown", "Remove it.", "Traceback\nFoo\n")


def device_view(name: str) -> DeviceView:
    """An idle device."""
    return DeviceView(
        id=f"dev-{name}",
        name=name,
        state=DeviceState.IDLE,
        roles=(Role.HOST, Role.DEVICE),
        facts=cpu_facts(hostname=name),
        slots=("cpu0",),
        targets=("cpu avx512f · onnxruntime 1.31.1",),
        words=("cpu", name),
        last_seen_at=NOW,
    )


def target_view(name: str) -> TargetView:
    """A built-in word."""
    return TargetView(name, (), "backend=onnxruntime", "the processor", ("here",))


def model_view(name: str) -> ModelView:
    """A name with one digest."""
    return ModelView(name, "d" * 64, 2 << 20, NOW, 1)


def plan_row(word: str) -> PlanRow:
    """What a plan says of a word; nobody serves `offline`."""
    if word != "offline":
        return PlanRow(
            word=word,
            target=f"{word} · onnxruntime 1",
            backend="onnxruntime",
            backend_version="1",
            gpu=None,
            toolchain={},
            precision_mechanism="float32 graph",
            plugin_generation="none",
            key="a" * 64,
            hit="miss",
            devices=("here",),
            estimate_s=2.0,
        )
    return PlanRow(
        word=word,
        target=word,
        backend="tensorrt",
        backend_version="8.5.2",
        gpu="Xavier",
        toolchain={"nvcc": "11.4"},
        precision_mechanism="builder flag FP16",
        plugin_generation="IPluginV2DynamicExt",
        key=None,
        hit="miss",
        problems=("no device serves it",),
    )
