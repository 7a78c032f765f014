"""What a graph needs before a version of TensorRT can read it: one line for each, with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, FrozenSet, Optional, Tuple

from .capabilities import TensorRtCapabilities
from .precision import Types

_BYTES = frozenset((Types.INT8, Types.FP8))


@dataclass(frozen=True)
class Need:
    """A graph step that some versions cannot do without.

    Attributes:
        step: As it is typed after `--steps`.
        why: A clause.
        when: Of which versions.
        types: Of which graphs; None for all.
    """

    step: str
    why: str
    when: Callable[[TensorRtCapabilities], bool]
    types: Optional[FrozenSet[Types]] = None


# In the order in which they run.
NEEDS: Tuple[Need, ...] = (
    Need("layernorm", "its parser has no LayerNormalization", lambda can: not can.layer_normalization),
    Need("positive_gather", "its parser reads negative places as they stand", lambda can: can.api < (10, 0)),
    Need("bounds", "limits of Clip and axes of Slice must be weights", lambda can: can.api < (10, 0)),
    Need("pads", "its Pad knows the last two axes only", lambda can: can.api < (8, 5, 1)),
    Need("masks", "it chooses by masks in float only", lambda can: can.api < (10, 0), _BYTES),
    Need("int64", "it has no longer numbers than 32 bits", lambda can: not can.int64),
    Need("opset:newest=17", "its parser ends there", lambda can: can.opset <= 17),
    Need("float16", "it takes types from the graph", lambda can: True, frozenset((Types.FLOAT16,))),
    Need("bfloat16", "it takes types from the graph", lambda can: True, frozenset((Types.BFLOAT16,))),
    Need("mixed", "it takes types from the graph", lambda can: True, frozenset((Types.MIXED,))),
)


def needed_steps(can: TensorRtCapabilities, types: Types) -> Tuple[str, ...]:
    """The graph steps that a version cannot do without for a graph of these types, in order.

    int8 and FP8 need none of their own: their samples go to the device, which puts Q/DQ in.
    """
    return tuple(need.step for need in NEEDS if need.when(can) and (need.types is None or types in need.types))
