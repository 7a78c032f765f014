"""Files that come out of a container, written into the workspace outside. Whoever is inside may have forged them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import BinaryIO, Optional

from farm.protocol.errors import Invalid
from farm.protocol.model import check_relative
from worker.child.guard import FAILURE_FILE, RESULT_FILE

_OUTPUT = "output/"
_MOST_FILES = 10_000
_HINT = "Nothing of this attempt is used."


class Arrivals:
    """Takes files one after the other.

    Args:
        workspace: No process but this one writes here.
        limit_bytes: What all of them may have.
    """

    def __init__(self, workspace: Path, limit_bytes: int) -> None:
        self._workspace = workspace
        self._left_bytes = limit_bytes
        self._left_files = _MOST_FILES
        self._open: Optional[BinaryIO] = None

    def begin(self, told: bytes) -> None:
        """Another file. Raises: Invalid: it may not be there, or is one too many. OSError: a full disk."""
        self.close()
        try:
            name = check_relative(str(json.loads(told)["name"]))
        except (ValueError, KeyError, TypeError):
            raise Invalid("the container told a file without a name", _HINT) from None
        self._left_files -= 1
        if not (name in (RESULT_FILE, FAILURE_FILE) or name.startswith(_OUTPUT)) or self._left_files < 0:
            raise Invalid(f"the container told a file too many: {name[:80]!r}", _HINT)
        path = self._workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        self._open = os.fdopen(os.open(str(path), flags, 0o644), "wb")

    def take(self, data: bytes) -> None:
        """More of it. Raises: Invalid: it is none, or too much. OSError: a full disk."""
        self._left_bytes -= len(data)
        if self._open is None or self._left_bytes < 0:
            raise Invalid("the container told more than its workspace can hold", _HINT)
        self._open.write(data)

    def close(self) -> None:
        """The last of them is whole. Raises: OSError: a full disk."""
        opened, self._open = self._open, None
        if opened is not None:
            opened.close()
