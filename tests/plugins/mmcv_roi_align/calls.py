"""The operator by its kernels, wherever they run, and rois that tests take."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.plugins.cpu.kernels import Kernels, Output

Array = Any


def attributes(**given: Any) -> dict[str, Any]:
    """Those of an operator, as a graph has them."""
    plain = {"output_height": 7, "output_width": 7, "spatial_scale": 1.0, "sampling_ratio": 0, "mode": "avg"}
    return {**plain, "aligned": 1, **given}


def roi_align(kernels: Kernels, features: Array, rois: Array, given: dict[str, Any]) -> Array:
    """What the kernels give."""
    bins = (given["output_height"], given["output_width"])
    numbers = (given["spatial_scale"], given["sampling_ratio"], given["aligned"], int(given["mode"] == "avg"))
    symbol = f"roi_align_{features.dtype.name}"
    output = Output((len(rois), features.shape[1], *bins), features.dtype)
    return kernels.call(symbol, features, rois, output, *features.shape, len(rois), *bins, *numbers, None)[0]


def random_rois(draw: np.random.Generator, count: int, images: int, height: float, width: float) -> Array:
    """Boxes of any size, some of them partly or wholly outside of the image, some the wrong way round."""
    rois = np.empty((count, 5), np.float32)
    rois[:, 0] = draw.integers(0, max(images, 1), count)
    first = draw.uniform(-0.3, 1.1, (count, 2)) * (width, height)
    rois[:, 1:3] = first
    rois[:, 3:5] = first + draw.uniform(-0.1, 0.9, (count, 2)) * (width, height)
    return rois
