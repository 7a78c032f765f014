"""What one word for precision becomes: flags where the builder chooses, types in the graph where it does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Optional, Tuple

from farm.protocol.errors import Unsupported
from farm.protocol.options import Precision
from farm.protocol.states import Word

from .capabilities import TensorRtCapabilities, Typing
from .hardware import lacks

# All that concerns precision; TF32 is on unless it is cleared, so a builder sets or clears each that its version has.
FLAGS = ("TF32", "FP16", "BF16", "INT8", "FP8", "OBEY_PRECISION_CONSTRAINTS")
_OBEY = "OBEY_PRECISION_CONSTRAINTS"


class Types(Word):
    """The types that the graph must have before the builder sees it."""

    AS_EXPORTED = "as exported"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"
    MIXED = "float16, float32 where float16 is not enough"
    INT8 = "int8 Q/DQ"
    FP8 = "FP8 Q/DQ"


@dataclass(frozen=True)
class Meaning:
    """What a version does for a precision.

    Attributes:
        types: Of the graph. Where it is exported with Q/DQ, those of int8 and FP8 are already there.
        flags: Names of `BuilderFlag` that are set; every other one of `FLAGS` is cleared.
        told: For people and the manifest.
        typed: The graph decides: the network is created STRONGLY_TYPED where a version leaves the choice.
    """

    types: Types
    flags: Tuple[str, ...]
    told: str
    typed: bool = False

    @property
    def mechanism(self) -> str:
        """By which means, in one phrase."""
        flags = f"builder flag{'s' if len(self.flags) > 1 else ''} {' and '.join(self.flags)}" if self.flags else ""
        graph = "" if self.types is Types.AS_EXPORTED else f"graph with {self.types}"
        return "; ".join(part for part in (graph, flags) if part) or "builder flag TF32 cleared"


_ELSEWHERE = "float32 with TF32 elsewhere"
_MIXED = "float16 where it stays right, float32 elsewhere"
_BY_FLAG: Dict[Precision, Meaning] = {
    Precision.FP32: Meaning(Types.AS_EXPORTED, (), "float32"),
    Precision.TF32: Meaning(Types.AS_EXPORTED, ("TF32",), "float32 with TF32 products"),
    Precision.FP16: Meaning(Types.AS_EXPORTED, ("TF32", "FP16"), f"float16 where it is faster, {_ELSEWHERE}"),
    Precision.BF16: Meaning(Types.AS_EXPORTED, ("TF32", "BF16"), f"bfloat16 where it is faster, {_ELSEWHERE}"),
    Precision.INT8: Meaning(Types.INT8, ("TF32", "INT8"), f"int8 between Q/DQ, {_ELSEWHERE}"),
    Precision.FP8: Meaning(Types.FP8, ("TF32", "FP8"), f"FP8 between Q/DQ, {_ELSEWHERE}"),
    Precision.MIX: Meaning(Types.MIXED, ("TF32", "FP16", _OBEY), f"{_MIXED}, held by the builder layer by layer"),
    Precision.BEST: Meaning(Types.AS_EXPORTED, ("TF32", "FP16"), f"the fastest of all, {_ELSEWHERE}"),
}
_SAYS = "as the graph says"
_TYPED: Dict[Precision, Meaning] = {
    Precision.FP32: Meaning(Types.AS_EXPORTED, (), f"float32, {_SAYS}", typed=True),
    Precision.TF32: Meaning(Types.AS_EXPORTED, ("TF32",), f"float32 with TF32 products, {_SAYS}", typed=True),
    Precision.FP16: Meaning(Types.FLOAT16, ("TF32",), f"float16, {_SAYS}", typed=True),
    Precision.BF16: Meaning(Types.BFLOAT16, ("TF32",), f"bfloat16, {_SAYS}", typed=True),
    Precision.INT8: Meaning(Types.INT8, ("TF32",), f"int8 between Q/DQ, {_ELSEWHERE}, {_SAYS}", typed=True),
    Precision.FP8: Meaning(Types.FP8, ("TF32",), f"FP8 between Q/DQ, {_ELSEWHERE}, {_SAYS}", typed=True),
    Precision.MIX: Meaning(Types.MIXED, ("TF32",), f"{_MIXED}, {_SAYS}", typed=True),
    Precision.BEST: Meaning(Types.MIXED, ("TF32",), f"{_MIXED}, {_SAYS}", typed=True),
}


def meaning(
    precision: Precision,
    capabilities: TensorRtCapabilities,
    compute_capability: Optional[str] = None,
    calibrated: bool = False,
) -> Meaning:
    """What the precision becomes with this version, and on this card where it is known.

    Args:
        precision: The word.
        capabilities: Of the version.
        compute_capability: Of the card, such as `8.9`.
        calibrated: Samples for int8 were given, so that `best` may use them.

    Raises: Unsupported: the version or the card cannot do it; the message names the precision and which of both.
    """
    if precision not in possible(capabilities):
        raise Unsupported(
            f"{capabilities.name} cannot build --precision {precision}{_since(precision)}",
            f"It can build {', '.join(map(str, possible(capabilities)))}.",
        )
    lacking = lacks(precision, compute_capability)
    if lacking:
        raise Unsupported(
            f"{capabilities.name} cannot build --precision {precision}: {lacking}", "Try --precision fp16."
        )
    found = _means(precision, capabilities)
    if precision is Precision.BEST:
        found = _best(found, capabilities, compute_capability, calibrated)
    return found


def possible(capabilities: TensorRtCapabilities) -> Tuple[Precision, ...]:
    """The precisions that this version can build."""
    return tuple(
        word
        for word in Precision
        if set(_means(word, capabilities).flags) <= capabilities.builder_flags
        and not (word is Precision.FP8 and capabilities.opset < 19)
    )


def _means(precision: Precision, capabilities: TensorRtCapabilities) -> Meaning:
    # What a graph mixes, a typed network keeps exactly; without one the builder has to be held to it.
    typed = capabilities.typing is Typing.STRONG or (
        precision is Precision.MIX and capabilities.typing is Typing.EITHER
    )
    return (_TYPED if typed else _BY_FLAG)[precision]


def _best(base: Meaning, can: TensorRtCapabilities, compute_capability: Optional[str], calibrated: bool) -> Meaning:
    """All the flags there are, as far as card and samples allow; in a typed graph the samples alone decide."""
    if can.typing is Typing.STRONG:
        return _TYPED[Precision.INT8] if calibrated else base
    flags = list(base.flags)
    if "BF16" in can.builder_flags and not lacks(Precision.BF16, compute_capability):
        flags.append("BF16")
    if calibrated:
        flags.append("INT8")
    return Meaning(Types.INT8 if calibrated else base.types, tuple(flags), base.told)


def _since(precision: Precision) -> str:
    return ": it begins with TensorRT 10" if precision in (Precision.BF16, Precision.FP8) else ""
