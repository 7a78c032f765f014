"""Opening somebody's model: whatever is wrong with it becomes one sentence with a next step, before a tool sees it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from farm.onnxfile import external_files
from farm.protocol.errors import Invalid

from .complaints import invalid
from .graph import weights
from .graph.check import check
from .graph.functions import check_functions
from .graph.model import Model
from .graph.walk import count, tensors

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto, ValueInfoProto

_EXPORT = "Export the model again."
# No accelerator has memory for such an axis, whatever the element.
_LONGEST_AXIS = 1 << 40


def load(path: Path) -> Model:
    """The model in a file, checked; external data up to a size is read, the big rest is left in its files.

    Raises: Invalid: not an ONNX file, cut off, with files of weights that are missing, cut off or outside of its
        folder, with unknown operators, impossible shapes, names used twice, without outputs, ...
    """
    from onnx import checker, load_model

    _check_files(path)
    try:
        # Everything the decoder of protobuf raises is about the bytes it was given.
        proto = load_model(str(path), load_external_data=False)
    except Exception as error:
        raise Invalid(f"{path.name} is not an ONNX file: {error}", "Give an ONNX file.") from error
    _check_weights(proto)
    _check_interface(proto)
    check_functions(proto)
    model = _opened(proto, path.parent)
    try:
        check(model)
    except checker.ValidationError as error:
        raise invalid(error) from error
    except UnicodeDecodeError as error:
        raise Invalid("a name in the model is not text", _EXPORT) from error
    return model


def _check_files(path: Path) -> None:
    try:
        external_files(path)
    except Invalid as error:
        # The workspace of a worker is nothing to the author of the model.
        message = error.message.replace(f"{path.parent}/", "")
        raise Invalid(message, error.hint.replace(str(path.parent), "the folder of the model")) from error


def _opened(proto: ModelProto, folder: Path) -> Model:
    large = weights.total_bytes(proto) > weights.LARGE_BYTES
    weights.embed(proto, folder, keep_big=large)
    # Old exporters list every weight as an input that may be replaced. An engine has no such inputs.
    filled = {tensor.name for tensor in proto.graph.initializer}
    inputs = [value for value in proto.graph.input if value.name not in filled]
    if len(inputs) < len(proto.graph.input):
        del proto.graph.input[:]
        proto.graph.input.extend(inputs)
        # The first version that allows weights which are no inputs.
        proto.ir_version = max(proto.ir_version, 4)
    for value in (*proto.graph.input, *proto.graph.output):
        for axis in value.type.tensor_type.shape.dim:
            # How some exporters write an axis of any size. An engine for nothing is never wanted.
            if axis.HasField("dim_value") and axis.dim_value <= 0:
                axis.ClearField("dim_value")
    return Model(proto, folder, large)


def _check_weights(proto: ModelProto) -> None:
    from onnx import helper

    known = set(helper.get_all_tensor_dtypes())
    for tensor in tensors(proto):
        name = tensor.name or "a constant"
        if tensor.data_type not in known:
            raise Invalid(f"the weight {name!r} has the unknown element type {tensor.data_type}", _EXPORT)
        if any(axis < 0 for axis in tensor.dims) or math.prod(tensor.dims) > _LONGEST_AXIS:
            shape = "x".join(str(axis) for axis in tensor.dims)
            raise Invalid(f"the weight {name!r} has an impossible shape, {shape}", _EXPORT)
        _check_external(tensor, name)


def _check_external(tensor: TensorProto, name: str) -> None:
    """`external_files` has seen that the bytes are there; here, that they are as many as the shape says."""
    if not weights.is_external(tensor):
        return
    told = {entry.key: entry.value for entry in tensor.external_data}
    needs, has = weights.byte_size(tensor), told.get("length")
    if has is not None and int(has) != needs:
        raise Invalid(f"the weight {name!r} has {has} bytes in its file where its shape needs {needs}", _EXPORT)


def _check_interface(proto: ModelProto) -> None:
    graph = proto.graph
    if not graph.output:
        raise Invalid("the model has no outputs", "Mark what it computes as outputs when you export it.")
    if not count(proto):
        raise Invalid("the model has no operators", _EXPORT)
    for values, what in ((graph.input, "input"), (graph.output, "output")):
        names = [value.name for value in values]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise Invalid(f"two {what}s are called {twice!r}", _EXPORT)
        for problem in filter(None, (_problem(value, what) for value in values)):
            raise Invalid(problem, "Export a model that takes and gives tensors of numbers.")


def _problem(value: ValueInfoProto, what: str) -> str | None:
    from onnx import TensorProto, helper

    if not value.name:
        return f"an {what} has no name"
    if not value.type.HasField("tensor_type"):
        kind = (value.type.WhichOneof("value") or "nothing").replace("_type", "").replace("_", " ")
        return f"the {what} {value.name!r} is a {kind}, not a tensor"
    kind_of_element = value.type.tensor_type.elem_type
    if kind_of_element == TensorProto.STRING or kind_of_element not in helper.get_all_tensor_dtypes():
        return f"the {what} {value.name!r} holds no numbers"
    axes = value.type.tensor_type.shape.dim
    for position, axis in enumerate(axes):
        if axis.dim_value > _LONGEST_AXIS:
            return f"the {what} {value.name!r} has the size {axis.dim_value} at axis {position}"
    return None
