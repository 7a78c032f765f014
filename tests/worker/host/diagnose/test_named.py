from __future__ import annotations

import pytest
from onnx import TensorProto, helper

from worker.host.diagnose.named import named_operators

NODES = [
    helper.make_node("Relu", ["x"], ["/a/Relu_output_0"], "/a/Relu"),
    helper.make_node("Relu", ["/a/Relu_output_0"], ["/a/Relu_1_output_0"], "/a/Relu_1"),
    helper.make_node("Softmax", ["/a/Relu_1_output_0"], ["y"], "n2"),
]
MODEL = helper.make_model(
    helper.make_graph(
        NODES,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
    )
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("tensorrt 8.5.3.1 cannot parse the Relu '/a/Relu_1': no", ["/a/Relu_1"]),
        ("Could not find any implementation for node {ForeignNode[/a/Relu.../a/Relu_1]}.", ["/a/Relu", "/a/Relu_1"]),
        ("the Relu that gives '/a/Relu_output_0'.", ["/a/Relu"]),
        ("could not find any implementation for node /a/Relu_1 + /a/Relu.", ["/a/Relu_1", "/a/Relu"]),
        ("/a/Relu_1_0 has no runners that implement it", ["/a/Relu_1"]),
        ("/a/Relu_12 has no runners that implement it", ["/a/Relu"]),
        ("out of memory; try n2, y or /a/Relu_1a", []),
    ],
)
def test_operators_are_found_in_what_a_backend_says(text: str, names: list[str]) -> None:
    assert [operator.name for operator in named_operators(MODEL, text)] == names
