"""Versions of what prepares graphs and references on a host; all of them are in the key of a preparation."""

from __future__ import annotations

from typing import Dict

import farm

from .machine import Machine

# Where NumPy twins of plugin operators are found; references depend on their code.
TWINS_GROUP = "farm.twins"
TOOLS = ("onnx", "onnxruntime", "onnxslim", "onnx-graphsurgeon", "numpy")

# Which host packages mark the role: a device has the others too, to build engines with.
_REQUIRED = ("onnx", "onnxruntime", "onnxslim")
_OLDEST_PYTHON = (3, 11)


def probe_host_tools(machine: Machine) -> Dict[str, str]:
    """Versions of the tools, of the farm whose steps use them and of distributions with NumPy twins.

    Returns: Empty where this machine cannot be a host.
    """
    python = tuple(int(part) for part in machine.python.split(".")[:2])
    found = {name: machine.package(name) for name in TOOLS}
    if python < _OLDEST_PYTHON or not all(found[name] for name in _REQUIRED):
        return {}
    tools = {name: version for name, version in found.items() if version}
    return {"farm": farm.__version__, **machine.providers(TWINS_GROUP), **tools}
