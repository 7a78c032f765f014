"""What a diagnosis comes to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from farm.protocol.shapes import format_shape

from ..graph.walk import qualified
from .origin import origin

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto


@dataclass(frozen=True)
class Suspect:
    """An operator at fault.

    Attributes:
        operator: Its kind, with the domain where that is not ONNX's own.
        inputs: Names with types and shapes, as far as they are known.
        origin: Module of PyTorch, class and line of code; empty where nothing tells.
    """

    name: str
    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    origin: str


@dataclass(frozen=True)
class Remedy:
    """What to try: `word` is typed, such as `--steps default,bounds`."""

    word: str
    why: str


@dataclass(frozen=True)
class Finding:
    """What was found.

    Attributes:
        what: A sentence.
        how: By which means: what the backend said, builds of parts of the graph, or values.
        suspects: Most likely first.
        probes: Builds that it took.
    """

    what: str
    how: str
    suspects: tuple[Suspect, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    probes: int = 0

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def suspects(model: ModelProto, operators: Iterable[NodeProto]) -> tuple[Suspect, ...]:
    """Operators of a model, described."""
    from onnx import shape_inference

    told = _described(shape_inference.infer_shapes(model))
    return tuple(
        Suspect(
            name=operator.name or f"the one that gives {operator.output[0]}",
            operator=qualified(operator),
            inputs=tuple(told.get(name, name) for name in operator.input if name),
            outputs=tuple(told.get(name, name) for name in operator.output if name),
            origin=origin(operator),
        )
        for operator in operators
    )


def _described(model: ModelProto) -> dict[str, str]:
    from onnx import helper

    found = {}
    for value in (*model.graph.input, *model.graph.value_info, *model.graph.output):
        kind = value.type.tensor_type
        if kind.elem_type:
            axes = [axis.dim_value if axis.HasField("dim_value") else axis.dim_param or -1 for axis in kind.shape.dim]
            shape = format_shape(axes) if kind.HasField("shape") else "of unknown shape"
            found[value.name] = f"{value.name} {helper.tensor_dtype_to_np_dtype(kind.elem_type).name} {shape}"
    for weight in model.graph.initializer:
        kind_name = helper.tensor_dtype_to_np_dtype(weight.data_type).name
        found[weight.name] = f"{weight.name} {kind_name} {format_shape(list(weight.dims))}, constant"
    return found
