"""Other names for inputs and outputs: what callers know them by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from farm.protocol.errors import Invalid

from .names import rename_values
from .walk import graphs

if TYPE_CHECKING:
    from onnx import ModelProto

    from .ranges import Measure

Array = Any

NAME = "rename"
DESCRIPTION = "Give inputs and outputs other names: rename:OLD=NEW"
TOOLS = ("onnx",)
# Of any name; the value is the new one.
PARAMETERS: Mapping[str, Any] = {"*": ""}
# Nothing is computed otherwise.
TOLERANCE = 1e-6


def apply(model: ModelProto, parameters: Mapping[str, Any], measure: Measure) -> ModelProto:
    """The graph with the new names.

    Raises: Invalid: there is no such input or output, or something else has the new name.
    """
    graph = model.graph
    known = [value.name for value in (*graph.input, *graph.output)]
    taken = {name for one in graphs(graph) for node in one.node for name in (*node.input, *node.output)}
    for old, new in parameters.items():
        if old not in known:
            raise Invalid(f"rename knows no input or output {old!r}", f"There are {', '.join(known)}.")
        if not new or new in taken or new in known:
            raise Invalid(f"rename cannot call {old!r} {new!r}: the name is empty or taken", "Give another one.")
    rename_values(graph, parameters)
    return model


def inputs_before(inputs: Mapping[str, Array], parameters: Mapping[str, Any]) -> dict[str, Array]:
    """What the graph before takes where the graph after takes these."""
    old = {new: name for name, new in parameters.items()}
    return {old.get(name, name): array for name, array in inputs.items()}


def outputs_after(outputs: Mapping[str, Array], parameters: Mapping[str, Any]) -> dict[str, Array]:
    """What the graph after gives where the graph before gives these."""
    return {parameters.get(name, name): array for name, array in outputs.items()}
