"""The command line that builds: every option of every version is one that its trtexec takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest

from farm.backends.tensorrt.capabilities import TensorRtCapabilities, capabilities_of
from farm.backends.tensorrt.options import tensorrt_options
from farm.backends.tensorrt.precision import meaning, possible
from farm.protocol.engine import TensorSpec
from farm.protocol.options import BuildOptions, Precision, ShapeRange
from farm.protocol.target import BuildTarget
from tests.farm.backends.tensorrt.test_switches import FACTS_BY_RELEASE
from worker.device.builders.base import BuildOrder
from worker.device.builders.tensorrt.config import asked
from worker.device.builders.tensorrt.ladder import Rung, rungs
from worker.device.builders.trtexec.command import build_arguments, told

INPUTS = (TensorSpec("x:0", "float32", (-1, 4)), TensorSpec("fixed", "float32", (2,)))
PROFILE = {"x:0": ShapeRange((1, 4), (2, 4), (8, 4)), "fixed": ShapeRange((2,), (2,), (2,))}
SHAPES = ["--minShapes=x:0:1x4", "--optShapes=x:0:2x4", "--maxShapes=x:0:8x4"]
OURS = ("calibration_method", "per_channel", "ownBenchmark", "verbose", "computeCapabilities")
VALUES: Dict[str, Any] = {
    "memPoolSize": "workspace:64,dlaSRAM:0.5",
    "builderOptimizationLevel": 2,
    "maxAuxStreams": 1,
    "avgTiming": 4,
    "maxTactics": 5,
    "tilingOptimizationLevel": 1,
    "tacticSources": "-JIT_CONVOLUTIONS",
    "sparsity": "enable",
    "hardwareCompatibilityLevel": "ampere+",
    "profilingVerbosity": "none",
    "useDLACore": 0,
}


def order(version: str, precision: Precision = Precision.FP32, profiles: Any = (), **options: Any) -> BuildOrder:
    target = BuildTarget("trtexec", version, "linux-x86_64", "glibc-2.31")
    asked_for = BuildOptions(precision, tuple(profiles), None, options)
    return BuildOrder(Path("m.onnx"), ("m.onnx",), INPUTS, asked_for, target, None, Path("out"), Path("scratch"))


def arguments(made: BuildOrder, rung: Optional[Rung] = None) -> List[str]:
    can = capabilities_of(made.target.backend_version)
    means = meaning(made.options.precision, can)
    return list(build_arguments(can, made, means, rung or asked(made, can), "m.onnx", "e.plan"))


def names(words: List[str]) -> List[str]:
    return [word[2:].partition("=")[0] for word in words]


def test_the_first_generation() -> None:
    assert arguments(order("8.5.2.2", Precision.FP16, [PROFILE], avgTiming=4, refit=True, directIO=False)) == [
        *("--onnx=m.onnx", "--saveEngine=e.plan", "--buildOnly", "--profilingVerbosity=detailed", "--verbose"),
        *("--fp16", *SHAPES, "--avgTiming=4", "--refit"),
    ]


def test_the_last_generation_is_typed_by_its_graph() -> None:
    assert arguments(order("11.1.0", Precision.FP16))[2:] == [
        *("--skipInference", "--profilingVerbosity=detailed", "--verbose")
    ]
    assert "--noTF32" in arguments(order("11.1.0", Precision.FP32))


def test_a_mixed_graph_is_kept_where_a_network_can_be_typed() -> None:
    assert "--stronglyTyped" in arguments(order("10.4.0", Precision.MIX))


def test_several_profiles_are_numbered() -> None:
    found = arguments(order("10.4.0", profiles=[PROFILE, PROFILE]))
    assert found[found.index("--profile=0") :][:8] == ["--profile=0", *SHAPES, "--profile=1", *SHAPES]


def test_sizes_are_in_mebibytes_and_sources_are_all_named() -> None:
    found = arguments(order("8.5.2", memPoolSize="workspace:2G,dlaSRAM:48K", tacticSources="-CUBLAS"))
    assert "--memPoolSize=workspace:2048,dlaSRAM:0.046875" in found
    sources = "-CUBLAS,+CUBLAS_LT,+CUDNN,+EDGE_MASK_CONVOLUTIONS,+JIT_CONVOLUTIONS"
    assert f"--tacticSources={sources}" in found


def test_a_lower_rung_says_so() -> None:
    can = capabilities_of("10.4.0")
    lowest = list(rungs(Rung("as asked"), can))[-1]
    found = arguments(order("10.4.0"), lowest)
    assert {"--memPoolSize=workspace:256", "--builderOptimizationLevel=1"} < set(found)
    assert not any(word.startswith("--tacticSources=") and "+" in word for word in found)


def test_no_place_of_this_device_gets_into_the_manifest() -> None:
    words = ["--onnx=/tmp/m.onnx", "--saveEngine=e.plan", "--timingCacheFile=/tmp/c", "--fp16"]
    assert told(words) == ["--fp16"]


@pytest.mark.parametrize("release", FACTS_BY_RELEASE)
def test_every_option_of_every_release_is_taken_by_it(release: str) -> None:
    can: TensorRtCapabilities = capabilities_of(release)
    taken = FACTS_BY_RELEASE[release]
    for precision in possible(can):
        for rung in rungs(asked(order(release), can), can):
            assert set(names(arguments(order(release, precision, [PROFILE]), rung))) <= taken
    offered = [name for name, option in tensorrt_options("trtexec", can).items() if not option.absent]
    for name in set(offered) - set(OURS):
        made = order(release, profiles=[PROFILE], **{name: VALUES.get(name, True)})
        found = set(names(arguments(made)))
        assert name in found
        assert found <= taken
