"""int8 and FP8 as every TensorRT takes them: Q/DQ in the graph, with ranges measured on calibration samples.

The quantizer is that of ONNX Runtime, told what TensorRT demands: zero points of zero, scales for each channel of a
weight, Q and DQ before each input of an operator that computes in int8, and biases left alone.
"""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from typing import Any, Dict, Mapping, Tuple

from farm.backends.tensorrt.precision import Types
from farm.protocol.errors import BuildFailed, Invalid, Unsupported

from ..base import BuildOrder
from ..onnxruntime_optimize import ONE_FILE_BYTES, operators
from ..onnxruntime_quantize import QUANTIZED_FILE, Samples, reader
from .fp8 import left_out, restate

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


# The element types that a precision quantizes to.
_ELEMENTS = {Types.INT8: ("INT8", "UINT8"), Types.FP8: ("FLOAT8E4M3FN",)}


def quantize(order: BuildOrder, types: Types, name: str) -> Tuple[Path, Dict[str, Any]]:
    """The graph with Q/DQ, and what to tell about it; a graph that was exported with Q/DQ stays as it is.

    Args:
        order: What to build.
        types: INT8 or FP8; every other leaves the graph alone.
        name: Of backend and version, for messages.

    Raises:
        Unsupported: there are no samples, or the graph cannot be quantized or is quantized to another type.
        Invalid: the samples do not fit the inputs.
        BuildFailed: the quantizer gave up.
    """
    if types not in _ELEMENTS:
        return order.model, {}
    word = "fp8" if types is Types.FP8 else "int8"
    there = _quantized(order.model)
    if there:
        _check_elements(there, types, f"{name} cannot build --precision {word}")
        return order.model, {"quantized_tensors": sum(there.values()), "quantized_by": "the exporter of the model"}
    if order.calibration is None:
        raise Unsupported(
            f"{name} cannot build --precision {word} without calibration data",
            "Give samples of real inputs with --calib FILE.npz, or export the model with Q/DQ.",
        )
    samples = Samples(order, order.calibration)
    log.info("calibrating with %d samples", samples.count)
    target = order.scratch / QUANTIZED_FILE
    try:
        _quantize(order, types, target, samples)
    except (MemoryError, Invalid):
        raise
    except Exception as error:  # the quantizer raises whatever its parts raise
        text = " ".join(str(error).split())[:600]
        raise BuildFailed(f"this graph cannot be quantized for {name}: {text}", "Build it as fp16.") from error
    made = _quantized(target)
    if not made:
        raise Unsupported(f"{name} finds nothing to quantize in this graph for --precision {word}", "Build it as fp16.")
    return target, {
        "quantized_tensors": sum(made.values()),
        "quantized_by": "onnxruntime" if types is Types.INT8 else "onnxruntime, its int8 restated as FP8",
        "calibration_samples": samples.count,
        "calibration_method": order.options.backend_options.get("calibration_method", "minmax"),
    }


def _quantize(order: BuildOrder, types: Types, target: Path, samples: Samples) -> None:
    from onnxruntime import quantization

    methods = {
        "minmax": quantization.CalibrationMethod.MinMax,
        "entropy": quantization.CalibrationMethod.Entropy,
        "percentile": quantization.CalibrationMethod.Percentile,
    }
    options = order.options.backend_options
    beside = sum((order.model.parent / name).stat().st_size for name in order.files) > ONE_FILE_BYTES
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
        use_external_data_format=beside,
        nodes_to_exclude=list(left_out(order.model)) if types is Types.FP8 else [],
        extra_options=_SETTINGS,
    )
    if types is Types.FP8:
        restate(target, beside)


def _check_elements(there: Mapping[str, int], types: Types, cannot: str) -> None:
    if not set(there).intersection(_ELEMENTS[types]):
        raise Unsupported(
            f"{cannot}: the model was exported with Q/DQ to {', '.join(sorted(there))}",
            "Give the precision that it was exported for, or a model without Q/DQ and samples with --calib.",
        )


def _quantized(path: Path) -> Dict[str, int]:
    """Element type to how many tensors a graph quantizes to it."""
    import onnx

    graph = onnx.load(str(path), load_external_data=False).graph
    zeros = {tensor.name: tensor.data_type for tensor in graph.initializer}
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Constant" and attribute.HasField("t"):
                zeros[node.output[0]] = attribute.t.data_type
    found = (node for node in operators(graph) if node.op_type == "QuantizeLinear")
    # Without a zero point it quantizes to bytes.
    kinds = (zeros.get("".join(node.input[2:]), onnx.TensorProto.UINT8) for node in found)
    return dict(Counter(onnx.TensorProto.DataType.Name(kind) for kind in kinds))
