"""The builder `trtexec` over a double of the program, which proves what is done with a process and its files.

What NVIDIA's program makes of the command lines is for `tests/gpu/test_trtexec.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, List, Optional, Tuple

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from farm.protocol.errors import BuildFailed, NotFound, Unsupported
from farm.protocol.options import BenchmarkPolicy, BuildOptions, Precision
from farm.protocol.report import Verdict
from farm.protocol.samples import unpack
from farm.protocol.target import BuildTarget, GpuClass
from farm.protocol.timing import TIMING_CACHE_FILE
from farm.runtime.benchmark.measure import measure
from farm.runtime.verify.run import verify
from tests.support import models, trtexec_double
from tests.worker.device.builders.orders import order_of
from worker.child.result import LearnedCache
from worker.device.builders.base import BuildOrder, TimingOrder
from worker.device.builders.table import load

BUILDER = load("trtexec")
CARD = GpuClass("NVIDIA H200", "9.0")
QUICK = BenchmarkPolicy(warmup_ms=0, iterations=10, duration_s=0)


class Double:
    """The double, first in PATH."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.mode()
        monkeypatch.setenv("PATH", str(folder), prepend=":")

    def mode(self, word: str = "") -> None:
        """What it does wrong from now on."""
        trtexec_double.install(self.folder, word)

    def arguments(self) -> List[str]:
        """Of its last run."""
        return (self.folder / "arguments").read_text().splitlines()


@pytest.fixture
def double(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Double:
    return Double(tmp_path / "program", monkeypatch)


def net() -> Any:
    """y is x and twice is two of it, as the double has it; the graph of the outputs is what a builder reads."""
    nodes = [helper.make_node("Identity", ["x"], ["y"]), helper.make_node("Add", ["x", "x"], ["twice"])]
    outputs = {name: ("float32", [2, 4]) for name in ("y", "twice")}
    return models.model(nodes, {"x": ("float32", [2, 4])}, outputs)


def order(folder: Path, model: Any = None, version: str = "8.5.3.1", **options: Any) -> BuildOrder:
    target = BuildTarget("trtexec", version, "linux-x86_64", "glibc-2.31", gpu=CARD)
    return order_of(folder, model or net(), BuildOptions(backend_options=options), target=target)


def x() -> Any:
    return np.linspace(-1, 1, 8, dtype=np.float32).reshape(2, 4)


def test_it_finds_the_program_and_its_version(double: Double) -> None:
    assert (BUILDER.probe().version, BUILDER.probe().reason) == ("8.5.3", "")


def test_a_program_that_does_not_start_is_a_reason(double: Double) -> None:
    (double.folder / "trtexec").write_text("#!/bin/sh\necho error while loading shared libraries; exit 127\n")
    told = BUILDER.probe()
    assert told.version is None
    assert "does not start" in told.reason


def test_an_engine_has_a_plan_and_what_it_takes_and_gives(double: Double, tmp_path: Path) -> None:
    made = order(tmp_path / "order", memPoolSize="workspace:512")
    built = BUILDER.build(made)
    assert built.files == ("engine.plan", "tensors.json")
    assert (made.output / "engine.plan").read_bytes() == trtexec_double.PLAN
    assert [spec.name for spec in built.outputs] == ["y", "twice"]
    assert (built.requirement.backend, built.requirement.backend_version) == ("trtexec", "8.5.3.1")
    assert built.effective["arguments"] == [
        *("--buildOnly", "--profilingVerbosity=detailed", "--verbose", "--noTF32", "--memPoolSize=workspace:512")
    ]
    assert built.effective["rung"] == "as asked"
    assert not built.degraded
    assert not list(made.output.glob("*.json.*"))


def test_its_engine_runs_and_is_verified(double: Double, tmp_path: Path) -> None:
    made = order(tmp_path / "order")
    built = BUILDER.build(made)
    with BUILDER.open(made.output / built.files[0], made.options) as session:
        outputs = session.run({"x": x()})
        assert outputs["twice"].dtype == np.float32
        np.testing.assert_allclose(outputs["twice"], 2 * x(), rtol=1e-5)
        right = verify(session, {"x": x()}, {"y": x(), "twice": 2 * x()})
        wrong = verify(session, {"x": x()}, {"y": x(), "twice": 3 * x()})
    assert (right.verdict, wrong.verdict) == (Verdict.PASSED, Verdict.FAILED)
    assert "--exportOutput=outputs.json" in double.arguments()


def test_nobody_times_it_unless_it_is_asked_to(double: Double, tmp_path: Path) -> None:
    made = order(tmp_path / "order")
    built = BUILDER.build(made)
    with BUILDER.open(made.output / built.files[0], made.options) as session:
        report = measure(session, {"x": x()}, QUICK)
    assert report.latency is None
    assert "--option ownBenchmark=true" in report.reason


def test_its_own_times_are_marked_as_its_own(double: Double, tmp_path: Path) -> None:
    made = order(tmp_path / "order", ownBenchmark=True)
    built = BUILDER.build(made)
    kept: List[bytes] = []
    with BUILDER.open(made.output / built.files[0], made.options) as session:
        report = measure(session, {"x": x()}, QUICK, kept.append)
    assert report.method == "trtexec"
    assert report.protocol == "trtexec-1: trtexec 8.5.3.1 --warmUp=0 --iterations=10 --duration=0 --streams=1"
    assert report.latency is not None
    assert report.latency.median_ms == 0.5
    assert report.phases["compute"].median_ms == 0.3
    assert report.throughput_per_s == pytest.approx(1e3 * 20 / 19.5)
    assert unpack(kept[0]) == (0.5,) * 20
    slowest = [(layer["name"], layer["operator"], round(layer["share"], 2)) for layer in report.layers]
    assert slowest == [("b", "Convolution", 0.75), ("a", "Convolution", 0.25)]


def test_progress_is_told_while_it_builds(double: Double, tmp_path: Path) -> None:
    told: List[Tuple[str, Optional[float]]] = []
    made = order(tmp_path / "order")
    BUILDER.build(BuildOrder(**{**vars(made), "progress": lambda phase, share=None: told.append((phase, share))}))
    assert told == [("optimising graph", None)]


def test_it_climbs_down_where_memory_is_not_enough(double: Double, tmp_path: Path) -> None:
    double.mode("memory")
    built = BUILDER.build(order(tmp_path / "order"))
    assert built.degraded
    assert built.effective["rung"] == "smaller workspace"
    assert [item["rung"] for item in built.effective["rungs_before"]] == ["as asked"]
    assert "--memPoolSize=workspace:256" in built.effective["arguments"]


def test_an_operator_that_nobody_has_is_named(double: Double, tmp_path: Path) -> None:
    double.mode("odd")
    with pytest.raises(Unsupported, match=r"trtexec 8\.5\.3\.1 has no operator Add"):
        BUILDER.build(order(tmp_path / "order"))


def test_a_program_that_aborts_tells_why(double: Double, tmp_path: Path) -> None:
    double.mode("crash")
    with pytest.raises(BuildFailed, match="Cuda failure: no CUDA-capable device is detected"):
        BUILDER.build(order(tmp_path / "order"))


def test_success_without_an_engine_is_none(double: Double, tmp_path: Path) -> None:
    double.mode("nothing")
    with pytest.raises(BuildFailed, match="wrote no engine"):
        BUILDER.build(order(tmp_path / "order"))


def test_a_torn_export_is_not_believed(double: Double, tmp_path: Path) -> None:
    made = order(tmp_path / "order")
    built = BUILDER.build(made)
    double.mode("torn")
    with BUILDER.open(made.output / built.files[0], made.options) as session, pytest.raises(
        BuildFailed, match="cut off"
    ):
        session.run({"x": x()})


def test_an_engine_that_does_not_load_says_what_to_do(double: Double, tmp_path: Path) -> None:
    made = order(tmp_path / "order")
    built = BUILDER.build(made)
    (made.output / "engine.plan").write_bytes(b"of another version")
    with BUILDER.open(made.output / built.files[0], made.options) as session, pytest.raises(BuildFailed) as caught:
        session.run({"x": x()})
    assert "Version tag does not match" in caught.value.message
    assert "fetch or build one" in caught.value.hint


def test_another_version_is_refused(double: Double, tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match=r"this device has trtexec 8\.5\.3, this is for 10\.4\.0"):
        BUILDER.build(order(tmp_path / "order", version="10.4.0"))


def test_a_plan_alone_cannot_be_opened(double: Double, tmp_path: Path) -> None:
    (tmp_path / "engine.plan").write_bytes(trtexec_double.PLAN)
    with pytest.raises(NotFound, match=r"tensors\.json"):
        BUILDER.open(tmp_path / "engine.plan", BuildOptions())


def test_a_name_that_its_arguments_cannot_hold_is_refused(double: Double, tmp_path: Path) -> None:
    model = models.model(
        [helper.make_node("Identity", ["a,b"], ["y"])], {"a,b": ("float32", [2])}, {"y": ("float32", [2])}
    )
    with pytest.raises(Unsupported, match="'a,b'"):
        BUILDER.build(order(tmp_path / "order", model))


def test_types_that_the_parser_narrows_are_told(double: Double, tmp_path: Path) -> None:
    model = models.model(
        [helper.make_node("Cast", ["n"], ["y"], to=TensorProto.INT64)], {"n": ("int64", [2])}, {"y": ("int64", [2])}
    )
    built = BUILDER.build(order(tmp_path / "order", model))
    assert [spec.dtype for spec in (*built.inputs, *built.outputs)] == ["int32", "int32"]


def test_it_begins_with_the_timing_cache_of_the_fleet_and_leaves_what_it_learned(
    double: Double, tmp_path: Path
) -> None:
    given = tmp_path / "given.cache"
    given.write_bytes(b"some")
    made = order(tmp_path / "order")
    built = BUILDER.build(BuildOrder(**{**vars(made), "timing": TimingOrder(given, "5e1f", certified=False)}))
    assert built.learned == LearnedCache(TIMING_CACHE_FILE, "5e1f")
    assert (made.output / TIMING_CACHE_FILE).read_bytes() == b"some more"
    assert built.effective["timing_cache"] == {"use": "shared", "began_bytes": 4, "ended_bytes": 9, "sha256": "5e1f"}
    assert given.read_bytes() == b"some"


def test_a_certified_timing_cache_is_used_or_the_build_fails(double: Double, tmp_path: Path) -> None:
    given = tmp_path / "given.cache"
    given.write_bytes(b"some")
    made = order(tmp_path / "order")
    certified = BuildOrder(**{**vars(made), "timing": TimingOrder(given, "5e1f", certified=True)})
    assert BUILDER.build(certified).learned is None
    double.mode("cache")
    with pytest.raises(BuildFailed, match="does not take the certified timing cache"):
        BUILDER.build(certified)


def mixed_net() -> Any:
    """Two operators in float32, a cast and one in float16, and a cast back."""
    nodes = [
        helper.make_node("Relu", ["x"], ["positive"], name="a, b: c"),
        helper.make_node("Add", ["positive", "x"], ["sum"]),
        helper.make_node("Cast", ["sum"], ["half"], to=TensorProto.FLOAT16),
        helper.make_node("Relu", ["half"], ["small"]),
        helper.make_node("Cast", ["small"], ["y"], to=TensorProto.FLOAT),
        helper.make_node("TopK", ["y", "k"], ["twice", "places"]),
    ]
    k = {"k": np.array([4], np.int64)}
    outputs = {"twice": ("float32", [2, 4]), "places": ("int64", [2, 4])}
    return onnx.shape_inference.infer_shapes(models.model(nodes, {"x": ("float32", [2, 4])}, outputs, k))


def test_a_mixed_graph_is_held_to_its_types_layer_by_layer(double: Double, tmp_path: Path) -> None:
    made = order(tmp_path / "order", mixed_net())
    mix = BuildOrder(**{**vars(made), "options": BuildOptions(Precision.MIX)})
    built = BUILDER.build(mix)
    words = double.arguments()
    assert "--precisionConstraints=obey" in words
    assert "--layerPrecisions=n0:fp32,n1_12:fp32,n1:fp32,n4:fp32,n5:fp32" in words
    # An output of the last one is no float.
    assert "--layerOutputTypes=n0:fp32,n1_12:fp32,n1:fp32,n4:fp32" in words
    assert built.effective["layers_held"] == 5
    assert built.effective["precision"].endswith("held by the builder layer by layer")
