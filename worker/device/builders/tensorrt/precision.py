"""What one word for precision becomes: flags where the builder chooses, the types of the graph where it does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

from farm.backends.tensorrt.capabilities import TensorRtCapabilities, Typing
from farm.protocol.options import Precision


@dataclass(frozen=True)
class Meaning:
    """What a builder does for a precision.

    Attributes:
        flags: Names of `BuilderFlag` that are set; every other flag of precision is cleared.
        told: For the manifest.
    """

    flags: Tuple[str, ...]
    told: str


# All that a builder may be allowed to choose. The rest of the flags has nothing to do with precision.
FLAGS = ("TF32", "FP16", "BF16", "INT8", "FP8")

_WEAK = {
    Precision.FP32: Meaning((), "float32"),
    Precision.TF32: Meaning(("TF32",), "float32 with TF32 products"),
    Precision.FP16: Meaning(("TF32", "FP16"), "float16 where it is faster, float32 with TF32 elsewhere"),
    Precision.BF16: Meaning(("TF32", "BF16"), "bfloat16 where it is faster, float32 with TF32 elsewhere"),
    Precision.INT8: Meaning(("TF32", "INT8"), "int8 between Q/DQ, float32 with TF32 elsewhere"),
}
_TYPED = {
    Precision.FP32: Meaning((), "float32, as the graph says"),
    Precision.TF32: Meaning(("TF32",), "float32 with TF32 products, as the graph says"),
    Precision.FP16: Meaning((), "float16, as the graph says"),
    Precision.INT8: Meaning((), "int8 between Q/DQ, float32 elsewhere, as the graph says"),
}


def meaning(precision: Precision, capabilities: TensorRtCapabilities) -> Meaning:
    """What the precision becomes with this version. Raises: KeyError: it is not among `possible`."""
    return _table(capabilities)[precision]


def possible(capabilities: TensorRtCapabilities) -> Tuple[Precision, ...]:
    """The precisions that this version can build."""
    return tuple(
        word for word, means in _table(capabilities).items() if set(means.flags) <= set(capabilities.builder_flags)
    )


def _table(capabilities: TensorRtCapabilities) -> dict[Precision, Meaning]:
    return _TYPED if capabilities.typing is Typing.STRONG else _WEAK
