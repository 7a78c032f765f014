from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

from worker.host.graph.rounded import rounding

from .stepping import Net


@pytest.mark.parametrize(
    ("kind", "weight", "expected"),
    [
        (TensorProto.FLOAT16, np.float32(1), 2.0**-10),
        (TensorProto.BFLOAT16, np.float32(1), 2.0**-7),
        (TensorProto.DOUBLE, np.float16(1), 2.0**-10),
        (TensorProto.DOUBLE, np.float32(1), 0.0),
    ],
)
def test_the_coarsest_type_of_values_and_weights_counts(kind: int, weight: np.generic, expected: float) -> None:
    nodes = [helper.make_node("Cast", ["x"], ["a"], to=kind), helper.make_node("Cast", ["a"], ["y"], to=1)]
    net = Net(nodes, {"x": np.ones(3, np.float32)}, {"w": np.asarray(weight)}, {"y": "float32"})
    assert rounding(net.model()) == expected
