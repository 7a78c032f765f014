"""What an engine will take and give, read from its graph: the program does not tell their types."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Tuple

from farm.backends.tensorrt.capabilities import TensorRtCapabilities
from farm.protocol.engine import TensorSpec
from farm.protocol.errors import Unsupported

# What the parser makes of types that TensorRT has not; before 10 it has no int64 either.
_NARROWED = {"float64": "float32"}
_NARROWED_EARLY = {**_NARROWED, "int64": "int32"}
# Those of the files that it reads and writes, as NumPy has them.
_EXCHANGED = ("float32", "float16", "int8", "int32", "int64", "uint8", "bool")


def signature(model: Path, can: TensorRtCapabilities) -> Tuple[Tuple[TensorSpec, ...], Tuple[TensorSpec, ...]]:
    """Inputs and outputs of the engine of a graph; -1 is an open axis.

    Raises: Unsupported: one has a type whose values are not exchanged with the program.
    """
    import onnx

    graph = onnx.load(str(model), load_external_data=False).graph
    held = {tensor.name for tensor in graph.initializer}
    inputs = tuple(_spec(value, can) for value in graph.input if value.name not in held)
    return inputs, tuple(_spec(value, can) for value in graph.output)


def _spec(value: Any, can: TensorRtCapabilities) -> TensorSpec:
    import onnx

    kind = value.type.tensor_type
    told = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type).name
    dtype = (_NARROWED if can.int64 else _NARROWED_EARLY).get(told, told)
    if dtype not in _EXCHANGED:
        raise Unsupported(
            f"trtexec {can.version} exchanges no values of {dtype}, which {value.name!r} has",
            "Give the model inputs and outputs of float32 or float16.",
        )
    shape = tuple(axis.dim_value if axis.HasField("dim_value") else -1 for axis in kind.shape.dim)
    return TensorSpec(value.name, dtype, shape)
