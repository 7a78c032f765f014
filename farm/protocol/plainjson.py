"""JSON from others, read so that nothing in it can end this process.

Python 3.8 and 3.9 call their parser once per level. Where that overflows the stack they raise RecursionError, but if
the garbage collector runs a finalizer just then, they abort: no `except` helps. So there, depth is looked at
beforehand, which takes as long again as the parser.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any, Union

_FRAGILE = sys.version_info < (3, 10)
# Nothing of the protocol nests a third as deep.
DEEPEST = 64

_NO_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[^][{}"]+', re.DOTALL)
_PAIR = re.compile(r"\[\]|\{\}")


def parse(text: Union[str, bytes]) -> Any:
    """What a JSON text spells.

    Raises: ValueError: it is not JSON, or nests deeper than this Python (before 3.10: than 64 levels) can bear.
    """
    if _FRAGILE:
        # As `json.loads` decodes.
        decoded = text if isinstance(text, str) else text.decode(json.detect_encoding(text))
        if decoded.count("[") + decoded.count("{") > DEEPEST and not _is_shallow(decoded):
            raise ValueError(f"it nests deeper than {DEEPEST} levels, or its brackets do not match")
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it nests too deep") from error


def _is_shallow(text: str) -> bool:
    """Take the innermost level away, as often as is allowed."""
    brackets = _NO_BRACKET.sub("", text)
    for _ in range(DEEPEST):
        if not brackets:
            return True
        brackets = _PAIR.sub("", brackets)
    return not brackets
