"""What a precision word and a plugin become on each generation, and what cannot be honoured."""

from __future__ import annotations

import pytest

from farm.protocol.options import BuildOptions, Precision
from orchestrator.rules.mechanism import mechanism

from .samples import target


@pytest.mark.parametrize(
    ("backend", "version", "sm", "precision", "told", "plugins"),
    [
        ("tensorrt", "8.5.2.2", "7.2", Precision.FP16, "builder flag FP16", "IPluginV2DynamicExt"),
        ("tensorrt", "10.4.0.26", "7.0", Precision.FP16, "builder flag FP16", "IPluginV3"),
        ("tensorrt", "11.1.0.106", "8.9", Precision.FP16, "strongly typed graph cast to FP16", "IPluginV3"),
        ("tensorrt", "11.1.0.106", "8.9", Precision.FP32, "strongly typed graph, TF32 cleared", "IPluginV3"),
        ("tensorrt", "8.5.3.1", "9.0", Precision.FP32, "builder flag TF32 cleared", "IPluginV2DynamicExt"),
        ("trtexec", "8.5.2.2", "7.2", Precision.INT8, "builder flag INT8", "IPluginV2DynamicExt"),
        ("tensorrt", "10.4.0", "8.0", Precision.BEST, "FP16 and BF16 and INT8 and TF32", "IPluginV3"),
        ("tensorrt", "10.4.0", "7.0", Precision.BEST, "FP16 and INT8 and TF32", "IPluginV3"),
        ("tensorrt_rtx", "1.2.0.54", "8.9", Precision.FP8, "FP8 Q/DQ", "IPluginV3"),
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
        ("tensorrt", "10.4.0", "7.0", Precision.BF16, "sm 80"),
        ("tensorrt", "10.4.0", "7.0", Precision.TF32, "sm 80"),
        ("tensorrt", "8.5.3.1", "9.0", Precision.BF16, "TensorRT 9"),
        ("tensorrt", "8.5.3.1", "9.0", Precision.FP8, "TensorRT 9"),
        ("tensorrt", "10.4.0", "8.6", Precision.FP8, "sm 89"),
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
