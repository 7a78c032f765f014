"""One step over a small graph, held against ONNX Runtime before and after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, helper, numpy_helper

from farm.protocol.keys import StepCall
from worker.host.graph.check import check
from worker.host.graph.model import Model
from worker.host.graph.ranges import Measure
from worker.host.graph.steps import parameters_of, step
from worker.host.runtime import run

Array = Any

# For steps that ask for nothing.
UNMEASURED = Measure(Model(ModelProto(), Path(), large=False), dict[str, float])


@dataclass(frozen=True)
class Net:
    """A graph of some operators; what it takes and holds is told by arrays."""

    nodes: list[Any]
    inputs: Mapping[str, Array]
    weights: Mapping[str, Array]
    outputs: Mapping[str, str]
    opset: int = 17
    shapes: Mapping[str, list[Any]] | None = None

    def model(self) -> ModelProto:
        domains = {node.domain for node in self.nodes if node.domain}
        return helper.make_model(
            helper.make_graph(
                self.nodes,
                "net",
                [self._value(name, array) for name, array in self.inputs.items()],
                [
                    helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(kind)), None)
                    for name, kind in self.outputs.items()
                ],
                [numpy_helper.from_array(np.asarray(array), name) for name, array in self.weights.items()],
            ),
            opset_imports=[helper.make_opsetid("", self.opset), *(helper.make_opsetid(name, 1) for name in domains)],
            ir_version=8 if self.opset < 20 else 10,
        )

    def _value(self, name: str, array: Array) -> Any:
        shape = (self.shapes or {}).get(name, list(array.shape))
        return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), shape)


def stepped(net: Net, name: str, **parameters: Any) -> ModelProto:
    """The graph after a step."""
    given = parameters_of(StepCall(name, parameters))
    changed: ModelProto = step(name).apply(net.model(), given, UNMEASURED)
    return changed


def same(net: Net, changed: ModelProto, folder: Path) -> None:
    """The changed graph is one of ONNX, and gives what the graph gives."""
    check(Model(changed, folder, large=False))
    before, after = (_outputs(model, net.inputs, folder) for model in (net.model(), changed))
    assert list(before) == list(after)
    for name, array in before.items():
        assert after[name].dtype == array.dtype
        np.testing.assert_allclose(after[name], array, rtol=2e-6, atol=1e-6)


def _outputs(model: ModelProto, inputs: Mapping[str, Array], folder: Path) -> dict[str, Array]:
    path = folder / Model(model, folder, large=False).write(folder)[0]
    return run(path, inputs)
