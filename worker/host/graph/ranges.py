"""How large the values of a graph become on the reference inputs: one number for each float32 tensor, measured."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..runtime import run
from . import weights
from .model import Model

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

Array = Any
# Name of a tensor to the largest magnitude of its values.
Ranges = Mapping[str, float]

_PART_BYTES = 1 << 26
_PREFIX = "largest magnitude of "


@dataclass(frozen=True)
class Measure:
    """How large numbers are, for a step that asks.

    Attributes:
        model: Before the step.
        ranges: Of the values of its graph on the reference inputs; none where nobody can run it.
    """

    model: Model
    ranges: Callable[[], Ranges]

    def __call__(self) -> Ranges:
        """Of the values of the graph."""
        return self.ranges()

    def weight(self, name: str, axis: int | None) -> Array | None:
        """The largest magnitudes in a float32 weight, wherever it is: for each place along an axis, or one of all.

        None where there is no such weight, or where it has numbers that are not finite.
        """
        from onnx import TensorProto

        found = next((item for item in self.model.proto.graph.initializer if item.name == name), None)
        if found is None or found.data_type != TensorProto.FLOAT:
            return None
        return largest(weights.values(found, self.model.folder), axis)


def largest(weight: Array, axis: int | None) -> Array | None:
    """The largest magnitudes along an axis, or the one of all; None for a weight that is empty or not finite.

    Read part by part: one in a file may be larger than the memory.
    """
    import numpy as np

    if weight.size == 0:
        return None
    rows = weight.reshape(1, 1) if weight.ndim == 0 else weight
    step = max(1, _PART_BYTES * len(rows) // rows.nbytes)
    others = None if axis is None else tuple(other for other in range(weight.ndim) if other != axis)
    parts = [np.abs(rows[start : start + step]).max(axis=others) for start in range(0, len(rows), step)]
    found = np.concatenate(parts) if axis == 0 else np.maximum.reduce(parts)
    return found if np.isfinite(found).all() else None


def largest_magnitudes(model: Model, inputs: Mapping[str, Array], scratch: Path) -> dict[str, float]:
    """The largest magnitude in each float32 tensor of the outermost graph.

    The graph computes these numbers itself, each as soon as it can, so that no tensor is kept for it.

    Args:
        model: Any that ONNX Runtime can run.
        inputs: Reference inputs.
        scratch: A folder on the file system of the model; what is made there is removed.

    Raises: CannotRun, Invalid: ONNX Runtime cannot run it with these inputs.
    """
    import numpy as np

    watched = model.copy()
    names = _watch(watched.proto)
    folder = scratch / "ranges"
    folder.mkdir()
    try:
        told = run(folder / watched.write(folder)[0], inputs, as_listed=True)
    finally:
        shutil.rmtree(folder)
    # Of an empty tensor it is less than nothing.
    return {name: 0.0 if np.isneginf(told[_PREFIX + name]) else float(told[_PREFIX + name]) for name in names}


def _watch(proto: ModelProto) -> list[str]:
    """Make the graph give the largest magnitude of each of its tensors, in place of its outputs."""
    from onnx import NodeProto, TensorProto, helper

    names = tensors_of(proto, TensorProto.FLOAT)
    graph, listed = proto.graph, list[NodeProto]()
    for name in sorted({value.name for value in graph.input}.intersection(names)):
        listed += _magnitude(name)
    for operator in graph.node:
        listed.append(operator)
        for name in operator.output:
            listed += _magnitude(name) if name in names else []
    copied = [NodeProto.FromString(operator.SerializeToString()) for operator in listed]
    del graph.node[:]
    graph.node.extend(copied)
    del graph.output[:]
    graph.output.extend(helper.make_tensor_value_info(_PREFIX + name, TensorProto.FLOAT, []) for name in names)
    return sorted(names)


def _magnitude(name: str) -> list[NodeProto]:
    from onnx import helper

    positive = f"magnitude of {name}"
    return [
        helper.make_node("Abs", [name], [positive]),
        helper.make_node("ReduceMax", [positive], [_PREFIX + name], keepdims=0),
    ]


def tensors_of(proto: ModelProto, kind: int) -> set[str]:
    """The tensors of an element type that inputs and operators of the outermost graph give, as far as it follows."""
    from onnx import shape_inference

    graph = shape_inference.infer_shapes(proto).graph
    made = {name for operator in proto.graph.node for name in operator.output}
    made.update(value.name for value in proto.graph.input)
    made -= {tensor.name for tensor in proto.graph.initializer}
    known = (*graph.input, *graph.value_info, *graph.output)
    found = {value.name for value in known if value.type.tensor_type.elem_type == kind}
    return found & made
