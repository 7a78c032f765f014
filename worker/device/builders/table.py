"""The builders there are. A new one is a module beside this and a line here."""

from __future__ import annotations

from importlib import import_module
from typing import Dict, List

from farm.protocol.errors import Unsupported

from .base import Availability, Builder

# Name of the backend to "module:Class"; strings, so that a missing runtime is found out only by who needs it.
BUILDERS: Dict[str, str] = {
    "onnxruntime": "worker.device.builders.onnxruntime:OnnxRuntimeBuilder",
    "tensorrt": "worker.device.builders.tensorrt.builder:TensorRtBuilder",
    "tensorrt_rtx": "worker.device.builders.tensorrt.builder:TensorRtRtxBuilder",
    "trtexec": "worker.device.builders.trtexec.builder:TrtexecBuilder",
}


def load(name: str) -> Builder:
    """The builder of a backend.

    Raises: Unsupported: there is none of this name.
    """
    if name not in BUILDERS:
        raise Unsupported(f"there is no builder {name!r} on this worker", f"It has {', '.join(BUILDERS)}.")
    module, kind = BUILDERS[name].split(":")
    builder: Builder = getattr(import_module(module), kind)()
    return builder


def available() -> List[Availability]:
    """Every builder of the table, with its version or the reason why it cannot be used here."""
    return [load(name).probe() for name in BUILDERS]
