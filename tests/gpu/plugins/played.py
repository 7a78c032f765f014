"""The parts of a played TensorRT for the card of this machine: with `FARM_TEST_CARD` set, the harness plays with them.

Glue and kernels are compiled by the flags of `plugins/CMakeLists.txt`, and the harness is the same source as elsewhere.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path

from tests.plugins import compiling
from tests.plugins.compiling import PLUGINS
from tests.plugins.toolchains import Nvcc, headers, new_nvcc

from .kernels import CardKernels
from .memory import compute_capability

_HARNESS = Path(__file__).parents[2] / "plugins/harness"
_UNITS = ("play.cpp", "harness.cpp")


def parts(name: str, folder: str) -> tuple[Path, CardKernels]:
    """The library of a plugin for the TensorRT whose headers lie in a folder, and what plays that TensorRT.

    Raises: AssertionError: something of it does not compile.
    """
    (trt,) = (item for item in headers().values() if item.folder == folder)
    functions = ctypes.CDLL(str(compiling.player([_HARNESS / unit for unit in _UNITS], trt, nvcc())))
    return compiling.library(PLUGINS / name, nvcc(), trt), CardKernels(functions)


@cache
def nvcc() -> Nvcc:
    """That of the machine, for its card alone, and for fast code."""
    found = new_nvcc(os.environ)
    return Nvcc(found.path, found.version, (compute_capability(),), fast_code=True)
