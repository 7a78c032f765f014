"""float16 weights: half the bytes on disk and on the wire; the arithmetic stays float32.

onnxruntime has no float16 arithmetic for x86 processors, and wraps each operator in conversions where a graph asks for
it. So the weights of the *optimised* graph are stored as float16 behind a Cast, which loading folds away.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Dict, List, Tuple

import numpy as np

from farm.protocol.errors import BuildFailed

from .base import BuildOrder
from .onnxruntime_optimize import DATA_FILE, ENGINE_FILE
from .onnxruntime_weights import span_of

log = logging.getLogger(__name__)

# Below this many elements a Cast costs more than it saves; scalars and biases keep their accuracy.
_LEAST_ELEMENTS = 256
_LARGEST = float(np.finfo(np.float16).max)
_ALIGNMENT = 4096
_PART = "half.part"


def halve_weights(order: BuildOrder) -> Tuple[Tuple[str, ...], Dict[str, Any]]:
    """Rewrite the engine in the output folder with float16 weights; its files, and what to tell about it."""
    import onnx

    engine = order.output / ENGINE_FILE
    model = onnx.load(str(engine), load_external_data=False)
    store = _Store(order.output)
    tally = {"halved": 0, "kept": 0}
    _halve(model.graph, store, tally)
    store.close()
    engine.write_bytes(model.SerializeToString(deterministic=True))
    log.info("stored %d weights as float16, kept %d as float32", tally["halved"], tally["kept"])
    files = (ENGINE_FILE, DATA_FILE) if store.beside else (ENGINE_FILE,)
    return files, {
        "precision": "float16 weights, float32 arithmetic",
        "float16_weights": tally["halved"],
        "float32_weights_out_of_range": tally["kept"],
    }


def _halve(graph: Any, store: _Store, tally: Dict[str, int]) -> None:
    from onnx import TensorProto

    casts: List[Any] = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or int(np.prod(tensor.dims, dtype=np.int64)) < _LEAST_ELEMENTS:
            store.keep(tensor)
            continue
        weights = store.values(tensor)
        if np.abs(weights).max() > _LARGEST:
            tally["kept"] += 1
            store.keep(tensor)
        else:
            tally["halved"] += 1
            store.replace(tensor, weights)
            casts.append(_cast(tensor))
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _halve(attribute.g, store, tally)
    for cast in reversed(casts):
        graph.node.insert(0, cast)


def _cast(tensor: Any) -> Any:
    """The node that gives a weight its type back under its old name; the weight itself is renamed."""
    from onnx import TensorProto, helper

    name = tensor.name
    tensor.name = f"{name}__float16"
    return helper.make_node("Cast", [tensor.name], [name], name=f"{name}__float32", to=TensorProto.FLOAT)


class _Store:
    """Where weights lie: inside the graph, or in the file beside it, which is written anew one weight at a time."""

    def __init__(self, folder: Path) -> None:
        self.beside = (folder / DATA_FILE).is_file()
        self._old = folder / DATA_FILE
        self._new = (folder / _PART).open("wb") if self.beside else None

    def values(self, tensor: Any) -> Any:
        """The values of a float32 weight; those beside the graph are mapped, not read."""
        from onnx import numpy_helper

        span = span_of(tensor)
        if span is None:
            return numpy_helper.to_array(tensor)
        return np.memmap(str(self._old), dtype="<f4", mode="r", offset=span.offset, shape=tuple(tensor.dims))

    def replace(self, tensor: Any, halved: Any) -> None:
        """Give a weight its float16 values, where it was."""
        from onnx import TensorProto

        data = np.ascontiguousarray(halved, dtype="<f2")
        outside = span_of(tensor) is not None
        tensor.data_type = TensorProto.FLOAT16
        tensor.ClearField("float_data")
        tensor.ClearField("raw_data")
        if outside:
            self._append(tensor, data)
        else:
            tensor.raw_data = data.tobytes()

    def keep(self, tensor: Any) -> None:
        """Carry a weight of any type over as it is."""
        span = span_of(tensor)
        if span is not None:
            self._append(
                tensor, np.memmap(str(self._old), dtype=np.uint8, mode="r", offset=span.offset, shape=(span.length,))
            )

    def close(self) -> None:
        """Put the new file in the place of the old one."""
        if self._new is not None:
            self._new.close()
            Path(self._new.name).replace(self._old)

    def _append(self, tensor: Any, data: Any) -> None:
        if self._new is None:
            raise BuildFailed(f"the weight {tensor.name} lies beside the graph, but there is no {DATA_FILE}")
        self._new.write(b"\0" * (-self._new.tell() % _ALIGNMENT))
        told = {"location": DATA_FILE, "offset": self._new.tell(), "length": data.nbytes}
        data.tofile(self._new)
        del tensor.external_data[:]
        for key, value in told.items():
            entry = tensor.external_data.add()
            entry.key, entry.value = key, str(value)
