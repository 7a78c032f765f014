"""Versions of what prepares graphs and references on a host; all of them are in the key of a preparation."""

from __future__ import annotations

from typing import Dict

import farm

from .machine import Machine

TOOLS = ("onnx", "onnxruntime", "onnxslim", "onnx-graphsurgeon", "numpy")

# Which host packages mark the role: a device has the others too, to build engines with.
_REQUIRED = ("onnx", "onnxruntime", "onnxslim")
_OLDEST_PYTHON = (3, 11)


def probe_host_tools(machine: Machine) -> Dict[str, str]:
    """Versions of the tools, and of the farm whose steps use them; empty where this machine cannot be a host."""
    python = tuple(int(part) for part in machine.python.split(".")[:2])
    found = {name: machine.package(name) for name in TOOLS}
    if python < _OLDEST_PYTHON or not all(found[name] for name in _REQUIRED):
        return {}
    return {"farm": farm.__version__, **{name: version for name, version in found.items() if version}}
