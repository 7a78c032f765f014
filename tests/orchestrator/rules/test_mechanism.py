"""What a precision word and a plugin become on each generation, and what cannot be honoured."""

from __future__ import annotations

import pytest

from farm.protocol.options import BuildOptions, Precision
from orchestrator.rules.mechanism import mechanism

from .samples import target

# What every version before TensorRT 10 needs.
OLD = ("positive_gather", "bounds", "int64", "opset:newest=17")


@pytest.mark.parametrize(
    ("backend", "version", "sm", "precision", "told", "plugins"),
    [
        ("tensorrt", "8.5.2.2", "7.2", Precision.FP16, "builder flags TF32 and FP16", "IPluginV2DynamicExt"),
        ("tensorrt", "10.4.0.26", "7.0", Precision.FP16, "builder flags TF32 and FP16", "IPluginV3"),
        ("tensorrt", "11.1.0.106", "8.9", Precision.FP16, "graph with float16; builder flag TF32", "IPluginV3"),
        ("tensorrt", "11.1.0.106", "8.9", Precision.FP32, "builder flag TF32 cleared", "IPluginV3"),
        ("tensorrt", "8.5.3.1", "9.0", Precision.FP32, "builder flag TF32 cleared", "IPluginV2DynamicExt"),
        (
            "trtexec",
            "8.5.2.2",
            "7.2",
            Precision.INT8,
            "graph with int8 Q/DQ; builder flags TF32 and INT8",
            "IPluginV2DynamicExt",
        ),
        ("tensorrt", "10.4.0", "8.0", Precision.BEST, "TF32 and FP16 and BF16", "IPluginV3"),
        ("tensorrt", "10.4.0", "7.0", Precision.BEST, "TF32 and FP16", "IPluginV3"),
        ("tensorrt_rtx", "1.7.1.116", None, Precision.FP8, "graph with FP8 Q/DQ", "IPluginV3"),
        ("onnxruntime", "1.31.1", None, Precision.FP32, "float32", "none"),
        ("onnxruntime", "1.31.1", None, Precision.FP16, "float16", "none"),
    ],
)
def test_what_a_precision_becomes(
    backend: str, version: str, sm: str | None, precision: Precision, told: str, plugins: str
) -> None:
    found = mechanism(target(backend, version, sm), BuildOptions(precision=precision))
    assert told in found.precision
    assert (found.plugins, found.problems) == (plugins, ())


@pytest.mark.parametrize(
    ("backend", "version", "sm", "precision", "told"),
    [
        ("tensorrt", "10.4.0", "7.0", Precision.BF16, "begins with compute capability 8.0"),
        ("tensorrt", "10.4.0", "7.0", Precision.TF32, "begins with compute capability 8.0"),
        ("tensorrt", "8.5.3.1", "9.0", Precision.BF16, "begins with TensorRT 10"),
        ("tensorrt", "8.5.3.1", "9.0", Precision.FP8, "begins with TensorRT 10"),
        ("tensorrt", "10.4.0", "8.6", Precision.FP8, "begins with compute capability 8.9"),
        ("onnxruntime", "1.31.1", None, Precision.BF16, "onnxruntime 1.31.1"),
        ("onnxruntime", "1.31.1", None, Precision.BEST, "best"),
        ("onnxruntime", "1.31.1", None, Precision.INT8, "calibration"),
    ],
)
def test_what_cannot_be_honoured_names_option_and_version(
    backend: str, version: str, sm: str | None, precision: Precision, told: str
) -> None:
    (problem,) = mechanism(target(backend, version, sm), BuildOptions(precision=precision)).problems
    assert told in problem
    assert version in problem
    assert f"--precision {precision}" in problem


def test_calibration_that_nothing_would_use_is_a_problem() -> None:
    assert mechanism(target("onnxruntime", sm=None), BuildOptions(calibration="a" * 64)).problems


def test_an_option_that_a_version_cannot_honour_is_a_problem() -> None:
    (problem,) = mechanism(target("tensorrt", "8.5.3.1", "7.2"), BuildOptions(backend_options={"refit": 1})).problems
    assert "tensorrt 8.5.3.1 cannot honour refit" in problem


def test_a_version_that_farm_does_not_know_is_told_once() -> None:
    found = mechanism(target("tensorrt", "7.2.3.4", "7.0"), BuildOptions())
    assert (found.precision, found.problems) == ("none", ("farm does not know TensorRT 7.2.3.4",))


def test_samples_let_best_use_int8() -> None:
    told = mechanism(target("tensorrt", "10.4.0", "8.9"), BuildOptions(Precision.BEST, calibration="a" * 64))
    assert told.precision.startswith("graph with int8 Q/DQ; builder flags TF32 and FP16 and BF16 and INT8")


@pytest.mark.parametrize(
    ("version", "precision", "steps"),
    [
        ("8.5.3.1", Precision.FP16, ("layernorm", *OLD)),
        ("8.5.3.1", Precision.MIX, ("layernorm", *OLD, "mixed")),
        ("8.6.1", Precision.FP16, OLD),
        ("10.4.0", Precision.MIX, ("mixed",)),
        ("11.1.0.106", Precision.FP16, ("float16",)),
        ("11.1.0.106", Precision.BF16, ("bfloat16",)),
        ("10.4.0", Precision.BF16, ()),
        ("11.1.0.106", Precision.FP8, ()),
        ("11.1.0.106", Precision.BEST, ("mixed",)),
        ("11.1.0.106", Precision.INT8, ()),
        ("11.1.0.106", Precision.FP32, ()),
    ],
)
def test_the_graph_becomes_what_a_version_cannot_do_without(
    version: str, precision: Precision, steps: tuple[str, ...]
) -> None:
    assert mechanism(target("tensorrt", version, "8.9"), BuildOptions(precision)).steps == steps


@pytest.mark.parametrize("precision", Precision)
def test_the_newest_versions_honour_every_word(precision: Precision) -> None:
    samples = "a" * 64 if precision in (Precision.INT8, Precision.FP8) else None
    for backend, version, sm in (("tensorrt_rtx", "1.7.1.116", None), ("tensorrt", "11.4.0", "8.9")):
        assert mechanism(target(backend, version, sm), BuildOptions(precision, calibration=samples)).problems == ()


def test_samples_are_for_fp8_too() -> None:
    told = mechanism(target("tensorrt", "10.4.0", "8.9"), BuildOptions(Precision.FP8, calibration="a" * 64))
    assert (told.problems, told.precision) == ((), "graph with FP8 Q/DQ; builder flags TF32 and FP8")
