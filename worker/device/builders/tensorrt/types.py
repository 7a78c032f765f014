"""Whether a prepared graph has the types that a precision asks of it: a builder that obeys cannot tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

from farm.backends.tensorrt.precision import Meaning, Types
from farm.protocol.errors import Unsupported

from ..onnxruntime_weights import tensors

_ELEMENTS = {
    Types.FLOAT16: ("FLOAT16",),
    Types.MIXED: ("FLOAT16",),
    Types.BFLOAT16: ("BFLOAT16",),
}


def check_types(model: Path, means: Meaning, name: str) -> None:
    """The graph computes in the types that the precision means, somewhere at least.

    Args:
        model: The prepared graph.
        means: What the precision means for this version.
        name: Of backend and version, for the message.

    Raises: Unsupported: it does not, and would silently be built as something else.
    """
    wanted = _ELEMENTS.get(means.types)
    if wanted is None:
        return
    import onnx

    numbers = {getattr(onnx.TensorProto, word) for word in wanted}
    if not numbers.intersection(_elements(onnx.load(str(model), load_external_data=False).graph)):
        raise Unsupported(
            f"{name} takes {means.types} from the graph, and the prepared graph holds none",
            "Submit it without --steps, or export the model in these types.",
        )


def _elements(graph: Any) -> Iterator[int]:
    for tensor in tensors(graph):
        yield tensor.data_type
    for value in (*graph.input, *graph.output, *graph.value_info):
        yield value.type.tensor_type.elem_type
