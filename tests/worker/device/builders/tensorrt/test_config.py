"""What each option becomes in TensorRT's configuration, for versions that cannot be had here.

The binding is put together from the table that tests hold against NVIDIA's own bindings: it has what the version has
and nothing else, so that a name which the version lacks is an error here as it would be there.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, Sequence, Set

import pytest

from farm.backends.options import problems
from farm.backends.tensorrt.capabilities import CLASSES, TensorRtCapabilities, capabilities_of
from farm.backends.tensorrt.precision import meaning
from farm.protocol.options import BuildOptions, Precision
from farm.protocol.target import BuildTarget, GpuClass
from tests.support import models
from tests.worker.device.builders.orders import order_of
from worker.device.builders.tensorrt.config import asked, configure

XAVIER = BuildTarget("tensorrt", "8.5.2.2", "linux-aarch64", "glibc-2.31", gpu=GpuClass("Xavier", "7.2"), l4t="35.4.1")


def card(version: str, capability: str = "8.9") -> BuildTarget:
    return BuildTarget("tensorrt", version, "linux-x86_64", "glibc-2.36", gpu=GpuClass("card", capability))


class Config:
    """A configuration of one version: remembers what was set, and knows no other name."""

    flags: Set[str]
    values: Dict[str, Any]
    _can: TensorRtCapabilities

    def __init__(self, can: TensorRtCapabilities) -> None:
        object.__setattr__(self, "flags", set())
        object.__setattr__(self, "values", {})
        object.__setattr__(self, "_can", can)

    def __setattr__(self, name: str, value: Any) -> None:
        symbol = CLASSES["IBuilderConfig"][name]
        if not symbol.writable or not symbol.exists(self._can.api, self._can.rtx):
            raise AttributeError(name)
        self.values[name] = value

    def set_flag(self, flag: str) -> None:
        self.flags.add(flag)

    def clear_flag(self, flag: str) -> None:
        self.flags.discard(flag)

    def set_memory_pool_limit(self, pool: str, size: int) -> None:
        self.values[pool] = size

    def set_preview_feature(self, feature: str, enable: bool) -> None:
        self.values[feature] = enable

    def set_tactic_sources(self, sources: int) -> None:
        self.values["tactic_sources"] = sources


def binding(can: TensorRtCapabilities) -> Any:
    """Its enumerations, each member a text of its own, but for tactic sources, which are numbers."""
    choices = ("BuilderFlag", "MemoryPoolType", "HardwareCompatibilityLevel", "TilingOptimizationLevel")
    enums = (*choices, "ProfilingVerbosity", "DeviceType", "PreviewFeature", "LayerType")
    made: Dict[str, Any] = {enum: SimpleNamespace(**{word: word for word in can.words(enum)}) for enum in enums}
    sources = sorted(can.words("TacticSource"))
    made["TacticSource"] = SimpleNamespace(**{word: number for number, word in enumerate(sources)})
    return SimpleNamespace(**made)


def configured(
    folder: Path,
    target: BuildTarget,
    options: Dict[str, Any],
    precision: Precision = Precision.FP16,
    layers: Sequence[str] = ("CONVOLUTION",),
) -> Config:
    """The configuration of a build, which the options of its target must allow."""
    wanted = BuildOptions(precision, backend_options=options)
    assert problems(target, wanted) == ()
    can = capabilities_of(target.backend_version)
    order = order_of(folder, models.conv_net(), wanted, target=target)
    config = Config(can)
    kinds = [SimpleNamespace(type=kind) for kind in layers]
    network = SimpleNamespace(num_inputs=0, num_outputs=0, num_layers=len(kinds), get_layer=kinds.__getitem__)
    assembly: Any = SimpleNamespace(
        trt=binding(can), capabilities=can, new_config=lambda: config, builder=None, network=network
    )
    configure(assembly, order, meaning(precision, can, "8.9"), asked(order, can))
    return config


PLAIN = {"TF32", "FP16"}


@pytest.mark.parametrize(
    ("target", "options", "flags"),
    [
        (
            card("8.5.3.1"),
            {"refit": True, "directIO": True, "sparsity": "enable"},
            {"REFIT", "DIRECT_IO", "SPARSE_WEIGHTS"},
        ),
        (
            card("8.6.1"),
            {"versionCompatible": True, "excludeLeanRuntime": True},
            {"VERSION_COMPATIBLE", "EXCLUDE_LEAN_RUNTIME"},
        ),
        (card("10.4.0"), {"refit": True, "stripWeights": True}, {"REFIT", "STRIP_PLAN"}),
        (card("10.4.0"), {"errorOnTimingCacheMiss": True}, {"ERROR_ON_TIMING_CACHE_MISS"}),
        (card("10.4.0"), {"noCompilationCache": True}, {"DISABLE_COMPILATION_CACHE"}),
        (XAVIER, {"useDLACore": 1, "allowGPUFallback": True}, {"GPU_FALLBACK"}),
    ],
)
def test_switches_are_flags(tmp_path: Path, target: BuildTarget, options: Dict[str, Any], flags: Set[str]) -> None:
    assert configured(tmp_path, target, options).flags == PLAIN | flags
    off = {name: False for name, value in options.items() if value is True}
    if len(off) == len(options):
        assert configured(tmp_path / "off", target, off).flags == PLAIN


@pytest.mark.parametrize(
    ("version", "layers", "enabled"),
    [
        ("8.5.3.1", ["PLUGIN_V2"], False),
        ("10.0.1", ["PLUGIN_V3"], False),
        ("10.4.0", ["CONVOLUTION", "PLUGIN_V3"], True),
        ("10.4.0", ["CONVOLUTION", "PLUGIN_V2"], False),
        ("11.4.0.106", ["PLUGIN_V3"], True),
    ],
)
def test_plugins_may_put_outputs_in_the_place_of_inputs_where_a_version_lets_them(
    tmp_path: Path, version: str, layers: Sequence[str], enabled: bool
) -> None:
    made = configured(tmp_path, card(version), {}, layers=layers)
    assert made.values.get("ALIASED_PLUGIN_IO_10_03") is (True if enabled else None)


def test_from_11_on_precision_is_no_flag(tmp_path: Path) -> None:
    options = {"stripWeights": True, "allowWeightStreaming": True, "versionCompatible": True}
    made = configured(tmp_path, card("11.4.0.106"), options)
    assert made.flags == {"TF32", "STRIP_PLAN", "WEIGHT_STREAMING", "VERSION_COMPATIBLE"}


@pytest.mark.parametrize(
    ("target", "options", "values"),
    [
        (card("10.4.0"), {"hardwareCompatibilityLevel": "ampere+"}, {"hardware_compatibility_level": "AMPERE_PLUS"}),
        (
            card("10.9.0.34"),
            {"hardwareCompatibilityLevel": "sameComputeCapability"},
            {"hardware_compatibility_level": "SAME_COMPUTE_CAPABILITY"},
        ),
        (card("10.8.0.43"), {"tilingOptimizationLevel": 3}, {"tiling_optimization_level": "FULL"}),
        (card("10.4.0"), {"maxTactics": 7, "maxAuxStreams": 0}, {"max_num_tactics": 7, "max_aux_streams": 0}),
        (card("8.6.1"), {"builderOptimizationLevel": 5}, {"builder_optimization_level": 5}),
        (card("8.5.3.1"), {"avgTiming": 16}, {"avg_timing_iterations": 16}),
        (
            card("10.4.0"),
            {"memPoolSize": "workspace:2G,tacticDRAM:512"},
            {"WORKSPACE": 2 << 30, "TACTIC_DRAM": 512 << 20},
        ),
        (XAVIER, {"useDLACore": 1}, {"DLA_core": 1, "default_device_type": "DLA"}),
        (card("8.5.3.1"), {"profilingVerbosity": "none"}, {"profiling_verbosity": "NONE"}),
    ],
)
def test_numbers_and_words_are_properties(
    tmp_path: Path, target: BuildTarget, options: Dict[str, Any], values: Dict[str, Any]
) -> None:
    usual = {"profiling_verbosity": "DETAILED"}
    assert configured(tmp_path, target, options).values == {**usual, **values}


def test_tactic_sources_are_those_that_are_left_on(tmp_path: Path) -> None:
    known = sorted(capabilities_of("8.5.3.1").words("TacticSource"))
    set_bits = configured(tmp_path, card("8.5.3.1"), {"tacticSources": "-CUBLAS,-CUDNN"}).values["tactic_sources"]
    assert {name for bit, name in enumerate(known) if set_bits >> bit & 1} == set(known) - {"CUBLAS", "CUDNN"}


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.TF32, Precision.FP16, Precision.BF16])
def test_flags_of_precision_are_those_that_the_word_means(tmp_path: Path, precision: Precision) -> None:
    flags: Dict[str, Set[str]] = {"fp32": set(), "tf32": {"TF32"}, "fp16": {"TF32", "FP16"}, "bf16": {"TF32", "BF16"}}
    assert configured(tmp_path, card("10.4.0"), {}, precision).flags == flags[precision]
