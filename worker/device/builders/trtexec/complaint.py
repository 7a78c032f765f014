"""What the program says of a graph that its parser refuses, as the parser would say it in a process."""

from __future__ import annotations

import re
from typing import Optional, Sequence

from ..tensorrt.parse import Complaint

_NODE = re.compile(r"While parsing node number (\d+)")
_ERROR = re.compile(r"ERROR: (?:\S+:\d+ )?(?:In function (?P<function>\w+):\s*)?(?P<text>.*)", re.DOTALL)
_UNREADABLE = re.compile(
    r"MODEL_DESERIALIZE_FAILED|Failed to parse ONNX model from|Could not (?:open|read) file|Error parsing message"
)
_REFUSED = re.compile(r"Failed to parse onnx file|Parsing model failed")


def complaint(errors: Sequence[str]) -> Optional[Complaint]:
    """The parser's complaint among the errors of a run; None where the graph was read.

    Args:
        errors: What was said with that severity, the first first.
    """
    if not any(_REFUSED.search(text) for text in errors):
        return None
    node = next((int(found.group(1)) for found in map(_NODE.search, errors) if found), -1)
    for text in errors:
        found = _ERROR.search(text)
        if found:
            return Complaint(found["text"].strip(), node, found["function"] or "")
    unreadable = any(_UNREADABLE.search(text) for text in errors)
    first = next((text for text in errors if not _REFUSED.search(text)), errors[0])
    return Complaint(first, node, readable=not unreadable)
