"""The runtimes that builders can use here, with their full versions. No heavy library is imported in this process."""

from __future__ import annotations

import re
from typing import Dict, Iterator, List, Optional, Tuple

from farm.protocol.facts import BackendFacts

from .machine import Machine
from .trtexec import trtexec_version

_ONNXRUNTIME = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino")
_TENSORRT = ("tensorrt", "tensorrt-cu13", "tensorrt-cu12", "tensorrt-cu11")
_TENSORRT_RTX = ("tensorrt-rtx", "tensorrt-rtx-cu13", "tensorrt-rtx-cu12")
_IMPORT_TIMEOUT_S = 60.0


def probe_backends(machine: Machine) -> Tuple[BackendFacts, ...]:
    """Every usable runtime: the bindings that really import, and trtexec where it answers."""
    found: List[BackendFacts] = []
    found.extend(_binding(machine, "onnxruntime", "onnxruntime", _ONNXRUNTIME))
    found.extend(_binding(machine, "tensorrt", "tensorrt", _TENSORRT))
    found.extend(_binding(machine, "tensorrt_rtx", "tensorrt_rtx", _TENSORRT_RTX))
    program = trtexec_version(machine, [backend.version for backend in found if backend.name == "tensorrt"])
    if program:
        found.append(BackendFacts("trtexec", program))
    return tuple(found)


def import_version(machine: Machine, module: str) -> Optional[str]:
    """`__version__` of a module, imported in a process of its own; None where the import fails.

    An installed package proves little: bindings whose library is missing install well and import badly.
    """
    if not machine.module(module):
        return None
    program = f"import {module}; print({module}.__version__)"
    lines = machine.output(machine.interpreter, "-c", program, timeout_s=_IMPORT_TIMEOUT_S).splitlines()
    return lines[-1].strip() if lines else None


def _binding(machine: Machine, name: str, module: str, packages: Tuple[str, ...]) -> Iterator[BackendFacts]:
    version = import_version(machine, module)
    if version:
        yield BackendFacts(name, version, _detail(machine, packages))


def _detail(machine: Machine, packages: Tuple[str, ...]) -> Dict[str, str]:
    """The CUDA generation that a wheel was made for, and the distribution where it is not the plain one."""
    installed = [package for package in packages if machine.package(package) is not None]
    for package in installed:
        generation = re.search(r"-cu(\d+)$", package)
        if generation:
            return {"cuda": generation.group(1)}
    named = [package for package in installed if package != packages[0]]
    return {"package": named[0]} if named else {}
