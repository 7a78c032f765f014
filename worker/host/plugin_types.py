"""Element types of what plugin operators give: nothing infers them, and steps that change types must know them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .graph.model import Model
from .runtime import run
from .twins import has_twin

if TYPE_CHECKING:
    from onnx import ModelProto

Array = Any


def write_types(model: Model, inputs: Mapping[str, Array], scratch: Path) -> Model:
    """The model with element type and number of axes of what its NumPy twins gave, where nothing else tells them.

    Args:
        model: Any that this host can run.
        inputs: Reference inputs.
        scratch: A folder on the file system of the model; what is made there is removed.
    """
    names = _untold(model.proto)
    if not names:
        return model
    seen = _seen(model, names, inputs, scratch / "plugin_types")
    told = model.copy()
    for name in names:
        value = told.proto.graph.value_info.add()
        value.CopyFrom(_described(name, seen[name]))
    return told


def _untold(proto: ModelProto) -> list[str]:
    graph = proto.graph
    told = {value.name for value in (*graph.value_info, *graph.output) if value.type.tensor_type.elem_type}
    given = [name for operator in graph.node if has_twin(operator) for name in operator.output if name]
    return [name for name in given if name not in told]


def _seen(model: Model, names: list[str], inputs: Mapping[str, Array], folder: Path) -> dict[str, Array]:
    from onnx import helper

    watched = model.copy()
    del watched.proto.graph.output[:]
    watched.proto.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    folder.mkdir()
    try:
        return run(folder / watched.write(folder)[0], inputs)
    finally:
        shutil.rmtree(folder)


def _described(name: str, array: Array) -> Any:
    from onnx import helper

    kind = helper.np_dtype_to_tensor_dtype(array.dtype)
    return helper.make_tensor_value_info(name, kind, [None] * array.ndim)
