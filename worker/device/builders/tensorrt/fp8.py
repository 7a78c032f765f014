"""FP8 (E4M3) between Q/DQ: the quantization to int8, restated for a type of the same width that is a float.

ONNX Runtime finds the largest magnitude of each tensor; where int8 puts it at 127, E4M3 has it at 448. Its own FP8
quantizer knows one calibration only, by the spread of the values, which cuts off what lies far out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator, Tuple

# Q/DQ know FP8 from here on.
_OPSET = 19
_LARGEST_INT8, _LARGEST_E4M3 = 127.0, 448.0
# TensorRT has FP8 convolutions for whole groups of so many channels, and for filters of at most so many places.
_CHANNELS = 16
_PLACES = 32


def left_out(model: Path) -> Tuple[str, ...]:
    """The names of the convolutions for which TensorRT has no FP8 kernels: few channels, or large filters."""
    import onnx

    graph = onnx.load(str(model), load_external_data=False).graph
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    return tuple(
        node.name
        for node in graph.node
        if node.op_type in ("Conv", "ConvTranspose") and node.name and _is_unfit(shapes.get(node.input[1]))
    )


def _is_unfit(shape: Any) -> bool:
    if shape is None:
        return True
    places = 1
    for size in shape[2:]:
        places *= size
    return min(shape[:2]) < _CHANNELS or shape[0] % _CHANNELS != shape[1] % _CHANNELS or places > _PLACES


def restate(path: Path, beside: bool) -> None:
    """Make the int8 Q/DQ of a file FP8; with `beside` its weights stay in a file of their own.

    Raises: RuntimeError: ONNX cannot bring the graph to the opset that has FP8.
    """
    import onnx
    from onnx import version_converter

    model = onnx.load(str(path))
    opset = max((item.version for item in model.opset_import if item.domain in ("", "ai.onnx")), default=1)
    if opset < _OPSET:
        model = version_converter.convert_version(model, _OPSET)
    _restate(model.graph)
    if beside:
        onnx.save(model, str(path), save_as_external_data=True, location=f"{path.name}.weights")
    else:
        onnx.save(model, str(path))


def _restate(graph: Any) -> None:
    from onnx import TensorProto, helper, numpy_helper

    held = {tensor.name: tensor for tensor in graph.initializer}
    for scale in sorted({node.input[1] for node in _between(graph)}):
        values = numpy_helper.to_array(held[scale])
        smaller = (values * (_LARGEST_INT8 / _LARGEST_E4M3)).astype(values.dtype)
        held[scale].CopyFrom(numpy_helper.from_array(smaller, scale))
    for zero in sorted({node.input[2] for node in _between(graph)}):
        nothing = bytes(numpy_helper.to_array(held[zero]).size)
        dims = list(held[zero].dims)
        held[zero].CopyFrom(helper.make_tensor(zero, TensorProto.FLOAT8E4M3FN, dims, nothing, raw=True))
    quantized = {node.output[0] for node in graph.node if node.op_type == "QuantizeLinear"}
    # What was written down of them is no longer so.
    kept = [value for value in graph.value_info if value.name not in quantized]
    del graph.value_info[:]
    graph.value_info.extend(kept)


def _between(graph: Any) -> Iterator[Any]:
    return (node for node in graph.node if node.op_type in ("QuantizeLinear", "DequantizeLinear"))
