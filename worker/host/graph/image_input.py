"""Preprocessing as a part of the graph: it takes pictures as cameras and files give them, bytes of three colours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from farm.protocol.errors import Invalid

from .metadata import detection_of, write_detection
from .names import rename_reads

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, ValueInfoProto

    from .ranges import Measure

Array = Any

NAME = "image_input"
DESCRIPTION = "Take pictures of bytes, and normalise them in the graph: (x / scale - mean) / std for each channel"
TOOLS = ("onnx",)
# Numbers for each channel, or one for all, are separated by strokes: 0.485/0.456/0.406.
PARAMETERS: Mapping[str, Any] = {
    "input": "",
    "mean": "0",
    "std": "1",
    "scale": 255.0,
    "layout": "nhwc",
    "order": "rgb",
}
# A product and a sum instead of two quotients, and what a network makes of their last digits.
TOLERANCE = 5e-5

_IMAGE_AXES = 4
_TO_NCHW, _TO_NHWC = (0, 3, 1, 2), (0, 2, 3, 1)
_LAYOUTS, _ORDERS = ("nhwc", "nchw"), ("rgb", "bgr")


def apply(model: ModelProto, parameters: Mapping[str, Any], measure: Measure) -> ModelProto:
    """The graph with the preprocessing before it; the input keeps its name.

    Raises: Invalid: no input is an image, or a parameter cannot be.
    """
    import numpy as np
    from onnx import TensorProto, helper

    _check_words(parameters)
    image = _image(model.graph, parameters["input"])
    kind, channels = image.type.tensor_type.elem_type, image.type.tensor_type.shape.dim[1].dim_value
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    if dtype.kind != "f":
        raise Invalid(f"the input {image.name!r} is {dtype.name}, which is no normalised image", "Name another input.")
    factor, offset = (_for_channels(array, channels).astype(dtype) for array in _coefficients(parameters))
    chain = _Chain(model.graph, image.name)
    chain.then("Cast", to=kind)
    if parameters["layout"] == "nhwc":
        chain.then("Transpose", perm=_TO_NCHW)
    if parameters["order"] == "bgr":
        chain.then("Gather", [np.arange(channels)[::-1].astype(np.int64)], axis=1)
    chain.then("Mul", [factor])
    chain.then("Add", [offset])
    chain.put_before()
    _declare(image, TensorProto.UINT8, parameters["layout"])
    _tell(model, parameters["order"])
    return model


def inputs_before(inputs: Mapping[str, Array], parameters: Mapping[str, Any]) -> dict[str, Array]:
    """What the graph before takes where the graph after takes these: the definition, in float32."""
    import numpy as np

    name = parameters["input"] or next(name for name, array in inputs.items() if array.ndim == _IMAGE_AXES)
    image = inputs[name].astype(np.float32)
    if parameters["layout"] == "nhwc":
        image = image.transpose(_TO_NCHW)
    if parameters["order"] == "bgr":
        image = image[:, ::-1]
    mean, std = (_numbers(parameters, word).astype(np.float32) for word in ("mean", "std"))
    normal = (image / np.float32(parameters["scale"]) - mean) / std
    return {**inputs, name: np.ascontiguousarray(normal, np.float32)}


def outputs_after(outputs: Mapping[str, Array], parameters: Mapping[str, Any]) -> dict[str, Array]:
    """The outputs stay as they are."""
    return dict(outputs)


class _Chain:
    """Operators after each other, from an input to those that read it."""

    def __init__(self, graph: GraphProto, name: str) -> None:
        self._graph, self._name, self._value = graph, name, name
        self._made: list[Any] = []

    def then(self, kind: str, constants: Iterable[Array] = (), **attributes: Any) -> None:
        """Add an operator, with further inputs."""
        from onnx import helper, numpy_helper

        output = f"{self._name}/{kind}"
        weights = [numpy_helper.from_array(array, f"{output}/constant") for array in constants]
        self._graph.initializer.extend(weights)
        read = [self._value, *(weight.name for weight in weights)]
        self._made.append(helper.make_node(kind, read, [output], output, **attributes))
        self._value = output

    def put_before(self) -> None:
        """Let all that reads the input read the end of the chain."""
        rename_reads(self._graph, {self._name: self._value})
        after = [type(item).FromString(item.SerializeToString()) for item in self._graph.node]
        del self._graph.node[:]
        self._graph.node.extend([*self._made, *after])


def _check_words(parameters: Mapping[str, Any]) -> None:
    for word, known in (("layout", _LAYOUTS), ("order", _ORDERS)):
        if parameters[word] not in known:
            raise Invalid(f"image_input knows no {word} {parameters[word]!r}", f"There are {' and '.join(known)}.")


def _image(graph: GraphProto, name: str) -> ValueInfoProto:
    images: list[ValueInfoProto] = [
        value for value in graph.input if len(value.type.tensor_type.shape.dim) == _IMAGE_AXES
    ]
    found = [value for value in images if name in ("", value.name)]
    if len(found) != 1 or not found[0].type.tensor_type.shape.dim[1].dim_value:
        told = ", ".join(value.name for value in images) or "none"
        raise Invalid("image_input needs one input of images whose channels are its second axis", f"There are: {told}.")
    return found[0]


def _coefficients(parameters: Mapping[str, Any]) -> tuple[Array, Array]:
    """Factor and offset of the bytes."""
    mean, std = _numbers(parameters, "mean"), _numbers(parameters, "std")
    if not parameters["scale"] or not std.all():
        raise Invalid("image_input cannot divide by zero", "Give another scale or std.")
    return 1 / (parameters["scale"] * std), -mean / std


def _numbers(parameters: Mapping[str, Any], word: str) -> Array:
    import numpy as np

    try:
        numbers = [float(part) for part in parameters[word].split("/")]
    except ValueError:
        raise Invalid(f"{word} of image_input is {parameters[word]!r}", "Write it as 0.485/0.456/0.406.") from None
    return np.array(numbers).reshape(1, -1, 1, 1)


def _for_channels(array: Array, channels: int) -> Array:
    if array.size not in (1, channels):
        raise Invalid(f"image_input has numbers for {array.size} channels of {channels}", "Give one for each, or one.")
    return array


def _tell(model: ModelProto, order: str) -> None:
    """Where the model tells what becomes of colours before it: that they are taken as they are."""
    detection = detection_of(model)
    if detection is not None:
        write_detection(model, replace(detection, mean=(0.0,), std=(1.0,), scale=1.0, order=order))


def _declare(image: ValueInfoProto, kind: int, layout: str) -> None:
    """Say what the input is from now on."""
    tensor = image.type.tensor_type
    tensor.elem_type = kind
    if layout == "nhwc":
        axes = [type(axis).FromString(axis.SerializeToString()) for axis in tensor.shape.dim]
        del tensor.shape.dim[:]
        tensor.shape.dim.extend(axes[axis] for axis in _TO_NHWC)
