from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from farm.protocol.errors import Invalid, Unsupported
from farm.protocol.options import BuildOptions, Precision
from farm.protocol.report import Verdict
from farm.runtime.verify.run import verify
from worker.device.builders.onnxruntime_quantize import quantize
from worker.device.builders.table import load

from ....support import models
from .orders import order_of, target_here

BUILDER = load("onnxruntime")
INT8 = BuildOptions(precision=Precision.INT8)


def images(count: Any, seed: Any = 0) -> Any:
    return np.random.default_rng(seed).standard_normal((count, 1, 3, 16, 16)).astype(np.float32)


def test_an_int8_engine_computes_with_bytes_and_stays_near_float32(tmp_path: Path) -> None:
    order = order_of(tmp_path, models.conv_net(), INT8, {"images": images(16)})
    engine = BUILDER.build(order)
    inputs = {"images": images(1, seed=9)[0]}
    with BUILDER.open(order.output / "engine.onnx", INT8) as session:
        report = verify(session, inputs, models.plain_outputs(order.model, inputs), precision=Precision.INT8)
    assert report.verdict is Verdict.PASSED, report.reason
    operators = [node.op_type for node in onnx.load(str(order.output / "engine.onnx")).graph.node]
    assert operators.count("QLinearConv") == 3
    assert engine.effective["calibration_samples"] == 16
    assert engine.effective["precision"].startswith("int8 static Q/DQ")
    assert (order.output / "engine.onnx").stat().st_size < 0.4 * order.model.stat().st_size


def test_samples_that_are_not_like_the_inputs_fail_the_verification(tmp_path: Path) -> None:
    order = order_of(tmp_path, models.conv_net(), INT8, {"images": 0.01 * images(4)})
    BUILDER.build(order)
    inputs = {"images": images(1, seed=9)[0]}
    with BUILDER.open(order.output / "engine.onnx", INT8) as session:
        report = verify(session, inputs, models.plain_outputs(order.model, inputs), precision=Precision.INT8)
    assert report.verdict is Verdict.FAILED


def test_an_lstm_has_nothing_to_quantize(tmp_path: Path) -> None:
    samples = {"steps": np.zeros((2, 5, 1, 16), np.float32)}
    with pytest.raises(Unsupported, match="nothing to quantize"):
        BUILDER.build(order_of(tmp_path, models.lstm_net(), INT8, samples))


@pytest.mark.parametrize("method", ["minmax", "entropy", "percentile"])
def test_every_method_of_calibration_works(tmp_path: Path, method: str) -> None:
    options = dataclasses.replace(INT8, backend_options={"calibration_method": method, "per_channel": False})
    engine = BUILDER.build(order_of(tmp_path, models.conv_net(), options, {"images": images(4)}))
    assert engine.effective["calibration_method"] == method
    assert engine.effective["per_channel"] is False


def test_scales_per_channel_need_a_newer_opset_than_scales_per_tensor(tmp_path: Path) -> None:
    old = models.conv_net()
    old.opset_import[0].version = 11
    engine = BUILDER.build(order_of(tmp_path / "default", old, INT8, {"images": images(2)}))
    assert engine.effective["per_channel"] is False
    asked = dataclasses.replace(INT8, backend_options={"per_channel": True})
    with pytest.raises(Unsupported, match="from opset 13 on"):
        BUILDER.build(order_of(tmp_path / "asked", old, asked, {"images": images(2)}))


@pytest.mark.parametrize(("sets", "bits"), [(("avx2",), 7), (("avx2", "avx_vnni"), 8), (("avx512_vnni",), 8)])
def test_weights_keep_to_seven_bits_where_products_would_saturate(tmp_path: Path, sets: Any, bits: int) -> None:
    target = dataclasses.replace(target_here(), instruction_sets=sets, platform="linux-x86_64")
    order = order_of(tmp_path, models.conv_net(), INT8, {"images": images(2)}, target=target)
    path, told = quantize(order.model, order, "1")
    assert told["weight_bits"] == bits
    kernels = [
        onnx.numpy_helper.to_array(tensor)
        for tensor in onnx.load(str(path)).graph.initializer
        if tensor.data_type == onnx.TensorProto.INT8 and len(tensor.dims) == 4
    ]
    assert max(int(np.abs(kernel.astype(int)).max()) for kernel in kernels) == (64 if bits == 7 else 127)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ({}, "no arrays"),
        ({"images": images(0)}, "images: 0"),
        ({"images": images(4)[0]}, "shape 3x16x16, the engine takes 1x3x16x16"),
        ({"images": images(4).astype(np.float64)}, "float64"),
        ({"image": images(4)}, "no input 'image'"),
        ({"images": images(4), "more": np.zeros(3)}, "images: 4, more: 3"),
    ],
)
def test_samples_that_do_not_fit_are_named(tmp_path: Path, samples: Any, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        BUILDER.build(order_of(tmp_path, models.conv_net(), INT8, samples))
