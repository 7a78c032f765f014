"""A graph with operators of plugins, computed in stages: ONNX Runtime up to them, their NumPy twins, and so on.

An operator belongs to the stage after the last twin on the way to it, so that each is computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .graph.sort import takes
from .graph.walk import qualified
from .twins import answer, has_twin

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

Array = Any
# Runs a file with these inputs.
Run = Callable[[Path, Mapping[str, Array]], dict[str, Array]]

_PART_FILE = "part.onnx"


def needs_twins(model: ModelProto) -> bool:
    """Operators of the outermost graph are computed by twins."""
    return any(has_twin(operator) for operator in model.graph.node)


def twins_of(model: ModelProto) -> tuple[str, ...]:
    """The operators that twins compute, each once."""
    return tuple(dict.fromkeys(qualified(operator) for operator in model.graph.node if has_twin(operator)))


def run_staged(model: ModelProto, folder: Path, inputs: Mapping[str, Array], run: Run) -> dict[str, Array]:
    """The outputs of the graph.

    Args:
        model: Its weights may lie in files of the folder.
        folder: Where parts of the graph are written while they run.
        inputs: Of the graph.
        run: What runs all but the twins.

    Raises: as `run`, and Invalid: a twin fails.
    """
    from onnx import numpy_helper

    stages = _Stages(model)
    known = {tensor.name: numpy_helper.to_array(tensor, str(folder)) for tensor in stages.weights_of_twins()}
    known.update(inputs)
    for number in range(stages.count):
        part = stages.part(number, known)
        if part is not None:
            path = folder / _PART_FILE
            path.write_bytes(part.SerializeToString())
            try:
                known.update(run(path, known))
            finally:
                path.unlink()
        for operator in stages.twins(number):
            given = answer(operator, [known[name] if name else None for name in operator.input])
            known.update(zip(operator.output, given, strict=True))
    return {value.name: known[value.name] for value in model.graph.output}


class _Stages:
    """Which operator of a graph is computed when."""

    def __init__(self, model: ModelProto) -> None:
        self._model = model
        self._stage_of: dict[str, int] = {}
        self._listed: list[tuple[int, NodeProto]] = []
        for operator in model.graph.node:
            at = max((self._stage_of.get(name, 0) for name in takes(operator)), default=0)
            self._listed.append((at, operator))
            after = at + 1 if has_twin(operator) else at
            self._stage_of.update(dict.fromkeys(operator.output, after))
        self.count = 1 + max(at for at, _ in self._listed)

    def twins(self, number: int) -> list[NodeProto]:
        """The operators that end a stage."""
        return [operator for at, operator in self._listed if at == number and has_twin(operator)]

    def weights_of_twins(self) -> list[Any]:
        read = {name for _, operator in self._listed if has_twin(operator) for name in operator.input}
        return [tensor for tensor in self._model.graph.initializer if tensor.name in read]

    def part(self, number: int, known: Mapping[str, Array]) -> ModelProto | None:
        """The operators of a stage for ONNX Runtime, which give what anything later takes. None where nothing does."""
        from onnx import ModelProto, helper

        mine = [operator for at, operator in self._listed if at == number and not has_twin(operator)]
        made = {name for operator in mine for name in operator.output if name}
        others = [operator for at, operator in self._listed if at > number or has_twin(operator)]
        wanted = {name for operator in others for name in takes(operator)}
        wanted.update(value.name for value in self._model.graph.output)
        if not made & wanted:
            return None
        read = {name for operator in mine for name in takes(operator)}
        part = ModelProto()
        part.CopyFrom(self._model)
        for field in (part.graph.node, part.graph.input, part.graph.output, part.graph.value_info):
            del field[:]
        held = {tensor.name for tensor in part.graph.initializer}
        part.graph.node.extend(mine)
        part.graph.input.extend(
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(known[name].dtype), known[name].shape)
            for name in sorted(read & set(known) - held)
        )
        part.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in sorted(made & wanted))
        return part
