"""Engines of trtexec: opened through the Python binding where there is one, else through the program."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Optional

from farm.protocol.options import BuildOptions

from ..session import Session
from .session import TrtexecSession


def open_session(path: Path, options: Optional[BuildOptions] = None) -> Session:
    """Load an engine that trtexec built: any TensorRT of its version runs it.

    Args:
        path: The plan; `tensors.json` lies beside it.
        options: What it was built with.

    Raises:
        BuildFailed: TensorRT cannot load it; the message is its own.
        Unsupported: there is neither a binding nor a trtexec of its version.
        NotFound: the plan, or what it takes and gives, is not there.
    """
    if find_spec("tensorrt") is not None:
        from ..tensorrt import open_session as open_by_binding

        return open_by_binding(path, options)
    return TrtexecSession(path, options or BuildOptions())
