"""Operators that a backend names in what it says."""

from __future__ import annotations

import re
from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

# Shorter names would be found in any sentence.
_SHORTEST = 3
# TensorRT counts the layers that it makes of one operator.
_NUMBER = r"(?:_\d+)?"


def named_operators(model: ModelProto, text: str) -> list[NodeProto]:
    """The operators whose names, or names of whose outputs, stand in a text, in the order in which they stand there.

    TensorRT names its layers after operators, and what it fused by its first and last one.
    """
    # Of names that begin at the same place the longest one is meant: an operator and the number of a layer may be the
    # name of the next operator.
    found: dict[int, tuple[int, NodeProto]] = {}
    for operator in model.graph.node:
        for name, behind in ((operator.name, _NUMBER), *((name, "") for name in operator.output)):
            for start in _places(name, text, behind):
                found[start] = max(found.get(start, (0, operator)), (len(name), operator), key=itemgetter(0))
    named: list[NodeProto] = []
    for start in sorted(found):
        if found[start][1] not in named:
            named.append(found[start][1])
    return named


def _places(name: str, text: str, behind: str) -> list[int]:
    if len(name) < _SHORTEST or name not in text:
        return []
    # A name that ends a sentence, or stands before the three dots of a range, is followed by a dot.
    pattern = rf"(?<![\w/])(?<!\w[.:]){re.escape(name)}{behind}(?!\w|[/:.]\w)"
    return [match.start() for match in re.finditer(pattern, text)]
