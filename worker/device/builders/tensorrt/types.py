"""Whether a prepared graph has the types that a precision asks of it: a builder that obeys cannot tell."""

from __future__ import annotations

from pathlib import Path

from farm.backends.tensorrt.precision import Meaning, Types
from farm.onnxsummary import element_types
from farm.protocol.errors import Unsupported

_ELEMENTS = {
    Types.FLOAT16: "float16",
    Types.MIXED: "float16",
    Types.BFLOAT16: "bfloat16",
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
    # Read without the library of ONNX, which would decode all weights for it: 0.7 s of a graph of 160 MB.
    if wanted not in element_types(model):
        raise Unsupported(
            f"{name} takes {means.types} from the graph, and the prepared graph holds none",
            "Submit it without --steps, or export the model in these types.",
        )
