"""Calls of the kernels: of cummax, of cummin, and of the scans below them, whose limits are part of the sizes."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.plugins.cpu.kernels import Kernels, Output, Scratch

from .expected import parts

Array = Any
SYMBOLS = {"float32": "run_float", "float16": "run_half", "int32": "run_int"}


def scanned(
    kernels: Kernels, array: Array, dim: int, limits: tuple[int, ...] = (), legacy: bool = False
) -> list[Array]:
    """What a kernel gives, with a workspace of the size that it asks for."""
    sizes = (*parts(array, dim), *limits)
    space = kernels.status("workspace_bytes", *sizes)
    return kernels.call(
        SYMBOLS[array.dtype.name],
        array,
        Output(array.shape, array.dtype),
        Output(array.shape, np.int32),
        Scratch(space) if space else None,
        *sizes,
        int(legacy),
        None,
    )
