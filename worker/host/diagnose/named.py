"""Operators that a backend names in what it says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

# Shorter names would be found in any sentence.
_SHORTEST = 3


def named_operators(model: ModelProto, text: str) -> list[NodeProto]:
    """The operators whose names, or names of whose outputs, stand in a text, in the order in which they stand there.

    TensorRT names its layers after operators, and what it fused by its first and last one.
    """
    found: dict[int, NodeProto] = {}
    for operator in model.graph.node:
        places = [_place(name, text) for name in (operator.name, *operator.output)]
        first = min((place for place in places if place is not None), default=None)
        if first is not None:
            found.setdefault(first, operator)
    return [found[place] for place in sorted(found)]


def _place(name: str, text: str) -> int | None:
    if len(name) < _SHORTEST:
        return None
    # A name that ends a sentence, or stands before the three dots of a range, is followed by a dot.
    match = re.search(rf"(?<![\w/])(?<!\w[.:]){re.escape(name)}(?!\w|[/:.]\w)", text)
    return match.start() if match else None
