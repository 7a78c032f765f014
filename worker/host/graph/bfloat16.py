"""A graph in bfloat16, for builders that take precision from the graph: TensorRT 11 and TensorRT for RTX.

The tool is that of ONNX Runtime, as for `float16`, since both types need the same casts. Then what it made float16
becomes bfloat16, with the weights as they were before it: bfloat16 has the range of float32, so that nothing overflows.

ONNX writes bfloat16 convolutions and recurrences from opset 22 on; TensorRT's parser takes them in every opset.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .names import distinguish
from .narrow import narrow
from .walk import graphs, inside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnx import AttributeProto, ModelProto, TensorProto, ValueInfoProto

    from .ranges import Measure

NAME = "bfloat16"
DESCRIPTION = "Compute in bfloat16; inputs and outputs keep their types"
TOOLS = ("onnx", "onnxruntime")
PARAMETERS: Mapping[str, Any] = {}
TOLERANCE = None


def apply(model: ModelProto, parameters: Mapping[str, Any], measure: Measure) -> ModelProto:
    """The graph with its float32 weights and values as bfloat16, but those of operators that have no half precision."""
    from onnx import ModelProto

    distinguish(model)
    before = ModelProto()
    before.CopyFrom(model)
    converted = narrow(model)
    _retype_values(before, converted)
    _retype_tensors(before, converted)
    return converted


def _retype_values(before: ModelProto, converted: ModelProto) -> None:
    """Turn values and casts that the tool made float16 into bfloat16."""
    from onnx import TensorProto

    half = {value.name for value in _values(before) if value.type.tensor_type.elem_type == TensorProto.FLOAT16}
    for value in _values(converted):
        if value.type.tensor_type.elem_type == TensorProto.FLOAT16 and value.name not in half:
            value.type.tensor_type.elem_type = TensorProto.BFLOAT16
    kept = {key: attribute.i for key, attribute in _attributes(before)}
    for key, attribute in _attributes(converted):
        is_type = key[1] in ("to", "dtype") and attribute.i == TensorProto.FLOAT16
        if is_type and kept.get(key) != TensorProto.FLOAT16:
            attribute.i = TensorProto.BFLOAT16


def _retype_tensors(before: ModelProto, converted: ModelProto) -> None:
    """Turn weights and constants that the tool made float16 into bfloat16, from what they were."""
    held = {weight.name: weight for graph in graphs(before.graph) for weight in graph.initializer}
    for graph in graphs(converted.graph):
        for weight in graph.initializer:
            _retype(weight, held.get(weight.name))
    constants = {key: attribute.t for key, attribute in _attributes(before) if attribute.HasField("t")}
    for key, attribute in _attributes(converted):
        if attribute.HasField("t"):
            _retype(attribute.t, constants.get(key))


def _retype(tensor: TensorProto, was: TensorProto | None) -> None:
    from onnx import TensorProto, helper, numpy_helper

    if tensor.data_type == TensorProto.FLOAT16 and was is not None and was.data_type == TensorProto.FLOAT:
        rounded = numpy_helper.to_array(was).astype(helper.tensor_dtype_to_np_dtype(TensorProto.BFLOAT16))
        tensor.CopyFrom(numpy_helper.from_array(rounded, tensor.name))


def _values(model: ModelProto) -> Iterator[ValueInfoProto]:
    for graph in graphs(model.graph):
        yield from (*graph.input, *graph.output, *graph.value_info)


def _attributes(model: ModelProto) -> Iterator[tuple[tuple[str, str], AttributeProto]]:
    """Each attribute with the names of its operator, which the tool leaves alone, and its own."""
    for operator in inside(model.graph.node):
        for attribute in operator.attribute:
            yield (operator.name, attribute.name), attribute
