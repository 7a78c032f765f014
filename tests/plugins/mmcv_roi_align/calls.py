"""The operator by its kernels, wherever they run, and rois that tests take."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.plugins.cpu.kernels import Kernels, Output, Scratch

Array = Any

# As in kernel.hpp.
SHARED_BYTES = 1 << 30
TABLE_BYTES = 256 << 20
SYMBOLS = {"float32": "run_float", "float16": "run_half"}


def attributes(**given: Any) -> dict[str, Any]:
    """Those of an operator, as a graph has them."""
    plain = {"output_height": 7, "output_width": 7, "spatial_scale": 1.0, "sampling_ratio": 0, "mode": "avg"}
    return {**plain, "aligned": 1, **given}


def roi_align(
    kernels: Kernels,
    features: Array,
    rois: Array,
    given: dict[str, Any],
    shared_bytes: int = SHARED_BYTES,
    table_bytes: int = TABLE_BYTES,
) -> Array:
    """What the kernels give."""
    bins = (given["output_height"], given["output_width"])
    told = numbers(features.shape, len(rois), given, shared_bytes, table_bytes)
    size = kernels.status("workspace_bytes", *told)
    workspace = Scratch(size) if size else None
    output = Output((len(rois), features.shape[1], *bins), features.dtype)
    return kernels.call(SYMBOLS[features.dtype.name], *told, features, rois, output, workspace, None)[0]


def numbers(
    features: tuple[int, ...],
    rois: int,
    given: dict[str, Any],
    shared_bytes: int = SHARED_BYTES,
    table_bytes: int = TABLE_BYTES,
) -> tuple[float, ...]:
    """Sizes and attributes as the binding takes them."""
    bins = (given["output_height"], given["output_width"])
    how = (given["spatial_scale"], given["sampling_ratio"], given["aligned"], int(given["mode"] == "avg"))
    return (*features, rois, *bins, *how, shared_bytes, table_bytes)


def random_rois(draw: np.random.Generator, count: int, images: int, height: float, width: float) -> Array:
    """Boxes of any size, some of them partly or wholly outside of the image, some the wrong way round."""
    rois = np.empty((count, 5), np.float32)
    rois[:, 0] = draw.integers(0, max(images, 1), count)
    first = draw.uniform(-0.3, 1.1, (count, 2)) * (width, height)
    rois[:, 1:3] = first
    rois[:, 3:5] = first + draw.uniform(-0.1, 0.9, (count, 2)) * (width, height)
    return rois
