"""The inputs and outputs of an engine, as TensorRT tells them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Tuple

from farm.protocol.engine import TensorSpec
from farm.protocol.errors import Unsupported

# Names of `DataType` that NumPy has, too. The helper of the binding, `nptype`, fails with the NumPy of today.
_ELEMENT_TYPES: Dict[str, str] = {
    "FLOAT": "float32",
    "HALF": "float16",
    "INT8": "int8",
    "INT32": "int32",
    "INT64": "int64",
    "UINT8": "uint8",
    "BOOL": "bool",
}


@dataclass(frozen=True)
class Tensor:
    """An input or output. `on_host`: its values are shapes, which TensorRT reads or writes on the processor."""

    spec: TensorSpec
    is_input: bool
    on_host: bool


def tensors_of(trt: Any, engine: Any) -> Tuple[Tensor, ...]:
    """All of an engine, in its order.

    Raises: Unsupported: one has a type that NumPy has not.
    """
    names = (engine.get_tensor_name(index) for index in range(engine.num_io_tensors))
    return tuple(_tensor(trt, engine, name) for name in names)


def _tensor(trt: Any, engine: Any, name: str) -> Tensor:
    dtype = engine.get_tensor_dtype(name).name
    if dtype not in _ELEMENT_TYPES:
        raise Unsupported(
            f"the engine's {name!r} is {dtype.lower()}, a type that arrays here do not have",
            "Give the model inputs and outputs of float32 or float16.",
        )
    return Tensor(
        spec=TensorSpec(name, _ELEMENT_TYPES[dtype], tuple(engine.get_tensor_shape(name))),
        is_input=engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT,
        on_host=engine.get_tensor_location(name) == trt.TensorLocation.HOST,
    )
