"""int8 as every TensorRT from 8.5 to 11 takes it: Q/DQ in the graph, with ranges measured on calibration samples.

The quantizer is that of ONNX Runtime, told what TensorRT demands: zero points of zero, scales for each channel of a
weight, Q and DQ before each input of an operator that computes in int8, and biases left alone.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Dict, Tuple

from farm.protocol.errors import BuildFailed, Invalid, Unsupported

from ..base import BuildOrder
from ..onnxruntime_optimize import ONE_FILE_BYTES, operators
from ..onnxruntime_quantize import QUANTIZED_FILE, Samples, reader

log = logging.getLogger(__name__)

# What gains from int8: all else computes in float between them, and fuses.
_OPERATORS = ["Conv", "ConvTranspose", "Gemm", "MatMul"]
_SETTINGS = {
    "ActivationSymmetric": True,
    "WeightSymmetric": True,
    "AddQDQPairToWeight": True,
    "QuantizeBias": False,
    "DedicatedQDQPair": False,
}


def quantize(order: BuildOrder, name: str) -> Tuple[Path, Dict[str, Any]]:
    """The graph with Q/DQ, and what to tell about it; a graph that was exported with Q/DQ stays as it is.

    Args:
        order: What to build.
        name: Of backend and version, for messages.

    Raises:
        Unsupported: there are no samples, or nothing in the graph can be quantized.
        Invalid: the samples do not fit the inputs.
        BuildFailed: the quantizer gave up.
    """
    there = _count(order.model)
    if there:
        return order.model, {"quantized_tensors": there, "quantized_by": "the exporter of the model"}
    if order.calibration is None:
        raise Unsupported(
            f"{name} cannot build --precision int8 without calibration data",
            "Give samples of real inputs with --calib FILE.npz, or export the model with Q/DQ.",
        )
    samples = Samples(order, order.calibration)
    log.info("calibrating with %d samples", samples.count)
    target = order.scratch / QUANTIZED_FILE
    try:
        _quantize(order, target, samples)
    except (MemoryError, Invalid):
        raise
    except Exception as error:  # the quantizer raises whatever its parts raise
        text = " ".join(str(error).split())[:600]
        raise BuildFailed(f"this graph cannot be quantized for {name}: {text}", "Build it as fp16.") from error
    made = _count(target)
    if not made:
        raise Unsupported(f"{name} finds nothing to quantize in this graph for --precision int8", "Build it as fp16.")
    return target, {
        "quantized_tensors": made,
        "quantized_by": "onnxruntime",
        "calibration_samples": samples.count,
        "calibration_method": order.options.backend_options.get("calibration_method", "minmax"),
    }


def _quantize(order: BuildOrder, target: Path, samples: Samples) -> None:
    from onnxruntime import quantization

    methods = {
        "minmax": quantization.CalibrationMethod.MinMax,
        "entropy": quantization.CalibrationMethod.Entropy,
        "percentile": quantization.CalibrationMethod.Percentile,
    }
    options = order.options.backend_options
    quantization.quantize_static(
        str(order.model),
        str(target),
        reader(samples),
        quant_format=quantization.QuantFormat.QDQ,
        op_types_to_quantize=_OPERATORS,
        per_channel=options.get("per_channel", True),
        activation_type=quantization.QuantType.QInt8,
        weight_type=quantization.QuantType.QInt8,
        calibrate_method=methods[options.get("calibration_method", "minmax")],
        use_external_data_format=sum((order.model.parent / f).stat().st_size for f in order.files) > ONE_FILE_BYTES,
        extra_options=_SETTINGS,
    )


def _count(path: Path) -> int:
    import onnx

    graph = onnx.load(str(path), load_external_data=False).graph
    return sum(1 for node in operators(graph) if node.op_type == "QuantizeLinear")
