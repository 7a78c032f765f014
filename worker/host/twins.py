"""NumPy twins: what the operators of plugins compute, written once more in Python, so that a host can answer for them.

The `reference.py` of a plugin that comes with the farm is one. Others are functions in the entry-point group
`farm.twins`, under the name of their operator; a parser of TensorRT finds plugins by that name too and ignores the
domain. ONNX Runtime stays what computes all other operators.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from farm.device.hosttools import TWINS_GROUP
from farm.plugins.folder import shipped_folder, shipped_plugins
from farm.plugins.manifest import read_manifest
from farm.protocol.errors import Invalid
from farm.protocol.plugins import MANIFEST_NAME

from .graph.foreign import foreign
from .graph.walk import qualified

if TYPE_CHECKING:
    from onnx import NodeProto

Array = Any
_REFERENCE = "reference.py"
# Takes an array for each input (None for one that is left out) and the attributes by name; gives one for each output.
Twin = Callable[[Sequence["Array | None"], Mapping[str, Any]], Sequence[Array]]


def any_twins(operators: Iterable[str]) -> bool:
    """This host has a twin for one of these types of operators, with domains, which do not count."""
    return any(name.rpartition("::")[2] in _found() for name in operators)


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
        outputs = list(_found()[operator.op_type]()(inputs, attributes))
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
def _found() -> dict[str, Callable[[], Twin]]:
    """What loads the twin of each operator; an installed one comes before that of the farm."""
    shipped: dict[str, Callable[[], Twin]] = {}
    for folder in shipped_plugins(shipped_folder()):
        if (folder / _REFERENCE).is_file():
            manifest = read_manifest((folder / MANIFEST_NAME).read_bytes())
            shipped.update(dict.fromkeys(manifest.operators, partial(_shipped, manifest.name)))
    return {**shipped, **{item.name: item.load for item in entry_points(group=TWINS_GROUP)}}


def _shipped(plugin: str) -> Twin:
    twin: Twin = import_module(f"plugins.{plugin}.reference").reference
    return twin
