"""NumPy twins: what the operators of plugins compute, written once more in Python, so that a host can answer for them.

A twin is a function in the entry-point group `farm.twins`, under the name of its operator; a parser of TensorRT finds
plugins by that name too and ignores the domain. ONNX Runtime stays what computes all other operators.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from farm.device.hosttools import TWINS_GROUP
from farm.protocol.errors import Invalid

from .graph.foreign import foreign
from .graph.walk import qualified

if TYPE_CHECKING:
    from onnx import NodeProto

Array = Any
# Takes an array for each input (None for one that is left out) and the attributes by name; gives one for each output.
Twin = Callable[[Sequence["Array | None"], Mapping[str, Any]], Sequence[Array]]


def any_twins() -> bool:
    """This host has a twin of some operator."""
    return bool(_found())


def has_twin(operator: NodeProto) -> bool:
    """It is computed by a twin."""
    return operator.op_type in _found() and foreign(operator)


def answer(operator: NodeProto, inputs: Sequence[Array | None]) -> list[Array]:
    """What its twin gives for an operator.

    Raises: Invalid: the twin fails, or gives another number of outputs than the graph takes.
    """
    from onnx import helper

    attributes = {item.name: _plain(helper.get_attribute_value(item)) for item in operator.attribute}
    try:
        outputs = list(_found()[operator.op_type].load()(inputs, attributes))
    except Exception as error:  # it is somebody's code
        raise Invalid(
            f"the NumPy twin of {qualified(operator)} failed: {type(error).__name__}: {error}"[:600],
            "Mend it, or give the author's outputs with --loadRefOutputs.",
        ) from error
    if len(outputs) < len(operator.output):
        raise Invalid(
            f"the NumPy twin of {qualified(operator)} gives {len(outputs)} outputs, the graph takes "
            f"{len(operator.output)}",
            "Mend the twin.",
        )
    return outputs[: len(operator.output)]


def _plain(value: Any) -> Any:
    from onnx import TensorProto, numpy_helper

    if isinstance(value, bytes):
        return value.decode()
    return numpy_helper.to_array(value) if isinstance(value, TensorProto) else value


@lru_cache(maxsize=1)
def _found() -> dict[str, EntryPoint]:
    return {item.name: item for item in entry_points(group=TWINS_GROUP)}
