"""A prepared graph in float32 throughout: what half precision it holds becomes wider, with the weights as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

WIDENED_FILE = "float32.onnx"
_TYPES_IN_ATTRIBUTES = ("to", "dtype")


def widen(model: Path, folder: Path) -> Path:
    """The graph itself where it holds no half precision; else one in the folder that computes in float32.

    Args:
        model: A graph; its external data lies beside it.
        folder: For the new one and its weights.
    """
    import onnx

    proto = onnx.load(str(model), load_external_data=False)
    half = {onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16}
    if not half.intersection(_types(proto.graph)):
        return model
    proto = onnx.load(str(model))
    for graph in _graphs(proto.graph):
        for tensor in graph.initializer:
            _widen_tensor(tensor, half)
        # An engine keeps the types that callers know; what lies between is inferred anew.
        del graph.value_info[:]
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    _widen_tensor(attribute.t, half)
                if attribute.name in _TYPES_IN_ATTRIBUTES and attribute.i in half:
                    attribute.i = onnx.TensorProto.FLOAT
        for value in (*graph.input, *graph.output):
            if value.type.tensor_type.elem_type in half:
                value.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    path = folder / WIDENED_FILE
    onnx.save(proto, str(path), save_as_external_data=True, location=f"{WIDENED_FILE}.weights")
    return path


def _types(outer: Any) -> Iterator[int]:
    for graph in _graphs(outer):
        for tensor in graph.initializer:
            yield tensor.data_type
        for value in (*graph.input, *graph.output, *graph.value_info):
            yield value.type.tensor_type.elem_type
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.name in _TYPES_IN_ATTRIBUTES:
                    yield attribute.i
                if attribute.HasField("t"):
                    yield attribute.t.data_type


def _graphs(graph: Any) -> Iterator[Any]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _graphs(attribute.g)


def _widen_tensor(tensor: Any, half: Any) -> None:
    import numpy as np
    from onnx import numpy_helper

    if tensor.data_type in half:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name))
