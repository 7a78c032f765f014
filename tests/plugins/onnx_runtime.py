"""What ONNX Runtime answers for a few operators of ONNX, as a second opinion on ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Array = Any


def answer(
    operators: Sequence[Any], inputs: Mapping[str, Array], outputs: Mapping[str, int], opset: int
) -> list[Array]:
    """The outputs of a graph of these operators, run on the processor without optimisations.

    Args:
        operators: In the order in which they run.
        inputs: By name; each is an input of the graph.
        outputs: Name to ONNX element type.
        opset: Of ONNX's own operators.
    """
    import onnxruntime as ort
    from onnx import helper

    told = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in inputs.items()
    ]
    wanted = [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()]
    graph = helper.make_graph(list(operators), "opinion", told, wanted)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return list(session.run(None, dict(inputs)))
