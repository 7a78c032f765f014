"""Graph steps that would change an operator at fault: they are tried on the graph, here, before anybody types them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from farm.protocol.errors import FarmError
from farm.protocol.keys import StepCall
from farm.protocol.steps import DEFAULT, DEFAULT_STEPS, ROUNDING_STEPS, typed_step

from ..graph.model import Model
from ..graph.pipeline import applied
from ..graph.steps import parameters_of, step
from .finding import Remedy

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

# From what changes least to what changes most.
_CANDIDATES = (
    *("mmcv", "deformable_attention", "positive_gather", "bounds", "int64", "pads", "masks"),
    *("to_native", "to_plugins", "layernorm", "opset", "fold", "simplify"),
)


def repairs(model: Model, at_fault: Iterable[NodeProto], ran: Sequence[StepCall]) -> tuple[Remedy, ...]:
    """The steps that write one of the operators otherwise, or without it.

    Args:
        model: The graph after the steps that ran.
        at_fault: Operators of it.
        ran: Steps that did not help.
    """
    names = [call.name for call in ran]
    outputs = [operator.output[0] for operator in at_fault]
    found = []
    for name in _CANDIDATES:
        if name not in names and _changes(model, name, outputs):
            found.append(Remedy(f"--steps {_typed(ran, name)}", step(name).DESCRIPTION))
    return tuple(found)


def _changes(model: Model, name: str, outputs: Sequence[str]) -> bool:
    try:
        after = applied(model, step(name), parameters_of(StepCall(name)))
    except FarmError:
        # A step that breaks this graph repairs nothing.
        return False
    return any(_form(model.proto, output) != _form(after.proto, output) for output in outputs)


def _form(model: ModelProto, output: str) -> tuple[bytes, ...]:
    """An operator and its constants, as bytes; nothing where the value is gone."""
    giver = next((operator for operator in model.graph.node if output in operator.output), None)
    if giver is None:
        return ()
    weights = {weight.name: weight for weight in model.graph.initializer}
    read = [weights[name].SerializeToString() for name in giver.input if name in weights]
    return (giver.SerializeToString(), *read)


def _typed(ran: Sequence[StepCall], name: str) -> str:
    """The list to type: what ran without what comes with the target anyway, and the new step."""
    own = [typed_step(call) for call in ran if call.name not in ROUNDING_STEPS]
    for place in range(len(own)):
        if tuple(own[place : place + len(DEFAULT_STEPS)]) == DEFAULT_STEPS:
            own[place : place + len(DEFAULT_STEPS)] = [DEFAULT]
    return ",".join([*own, name])
