"""Big weights: a graph of more than two gigabytes has no protobuf form, so its weights stay in files beside it.

While a step runs, weights above `BIG_BYTES` of a large model are inputs of the graph: no tool can look into them, copy
them or fold them, and the step works on some megabytes, whatever the model weighs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .walk import tensors

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import ModelProto, TensorProto

# A model above this keeps its big weights out of memory. Protobuf's own limit is twice as much.
LARGE_BYTES = 1 << 30
BIG_BYTES = 1 << 20

# Where runtimes map files of weights into memory they want pages.
_ALIGNMENT = 4096


def byte_size(tensor: TensorProto) -> int:
    """How many bytes the values of a tensor take, wherever they are."""
    from onnx import TensorProto, helper

    elements = 1
    for axis in tensor.dims:
        elements *= axis
    if tensor.data_type == TensorProto.STRING:
        return sum(len(text) for text in tensor.string_data)
    bits: int = helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize * 8
    if tensor.data_type in (TensorProto.INT4, TensorProto.UINT4, TensorProto.FLOAT4E2M1):
        bits = 4
    return (elements * bits + 7) // 8


def total_bytes(model: ModelProto) -> int:
    """How many bytes all constants of a model take."""
    return sum(byte_size(tensor) for tensor in tensors(model))


def is_external(tensor: TensorProto) -> bool:
    """Whether the values are in a file beside the graph."""
    from onnx import TensorProto

    return bool(tensor.data_location == TensorProto.EXTERNAL)


def location(tensor: TensorProto) -> str:
    """The name of the file that holds an external tensor, without the `./` that some exporters write."""
    told = _told(tensor).get("location", "")
    return "/".join(part for part in told.split("/") if part != ".")


def embed(model: ModelProto, folder: Path, keep_big: bool) -> None:
    """Read external values into the model; with `keep_big`, big weights of the outermost graph stay where they are.

    Not by onnx's own reader: that refuses files with a second name, such as those of a cache.
    """
    kept = {tensor.name for tensor in model.graph.initializer if byte_size(tensor) > BIG_BYTES} if keep_big else set()
    for tensor in tensors(model):
        if is_external(tensor) and tensor.name not in kept:
            with (folder / location(tensor)).open("rb") as stream:
                stream.seek(int(_told(tensor).get("offset") or 0))
                tensor.raw_data = stream.read(byte_size(tensor))
            tensor.ClearField("data_location")
            tensor.ClearField("external_data")


def values(tensor: TensorProto, folder: Path) -> NDArray[Any]:
    """The array of a tensor; one of a file is a map of it, of which only those parts are read that are looked at."""
    import numpy as np
    from onnx import helper, numpy_helper

    if not is_external(tensor):
        return numpy_helper.to_array(tensor)
    path, offset = folder / location(tensor), int(_told(tensor).get("offset") or 0)
    kind = helper.tensor_dtype_to_np_dtype(tensor.data_type).newbyteorder("<")
    return np.memmap(path, kind, "r", offset, tuple(tensor.dims))


def spill(model: ModelProto, path: Path) -> None:
    """Write the big embedded values of a model to a new file beside it, and refer to them there."""
    from onnx import TensorProto, numpy_helper

    with path.open("wb") as stream:
        for tensor in _big_embedded(model):
            if not tensor.HasField("raw_data"):
                tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor), tensor.name))
            stream.seek(-stream.tell() % _ALIGNMENT, os.SEEK_CUR)
            offset, length = stream.tell(), len(tensor.raw_data)
            stream.write(tensor.raw_data)
            tensor.ClearField("raw_data")
            tensor.data_location = TensorProto.EXTERNAL
            for key, value in (("location", path.name), ("offset", offset), ("length", length)):
                entry = tensor.external_data.add()
                entry.key, entry.value = key, str(value)


def detach(model: ModelProto) -> dict[str, TensorProto]:
    """Turn the big weights of the outermost graph into inputs, in place. `attach` puts them back."""
    from onnx import TensorProto, helper

    kept, taken = [], {}
    for tensor in model.graph.initializer:
        copy = TensorProto()
        copy.CopyFrom(tensor)
        if byte_size(tensor) > BIG_BYTES:
            taken[tensor.name] = copy
        else:
            kept.append(copy)
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    model.graph.input.extend(
        helper.make_tensor_value_info(name, tensor.data_type, list(tensor.dims)) for name, tensor in taken.items()
    )
    return taken


def attach(model: ModelProto, taken: dict[str, TensorProto]) -> None:
    """Turn those inputs into weights again, in place; a weight that the step made superfluous is gone."""
    kept = [value for value in model.graph.input if value.name not in taken]
    back = [taken[value.name] for value in model.graph.input if value.name in taken]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    model.graph.initializer.extend(back)


def _told(tensor: TensorProto) -> dict[str, str]:
    return {entry.key: entry.value for entry in tensor.external_data}


def _big_embedded(model: ModelProto) -> Iterator[TensorProto]:
    for tensor in tensors(model):
        if not is_external(tensor) and byte_size(tensor) > BIG_BYTES:
            yield tensor
