"""A tensor with slices replaced, in NumPy; it follows ONNX's ScatterND without a reduction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Array = Any


def reference(inputs: Sequence[Array | None], attributes: Mapping[str, Any]) -> list[Array]:
    """The data, with each slice that an index names replaced by its update; indices outside are left out.

    Args:
        inputs: Data, indices [..., k] of its first k axes (negative ones count from the end), updates.
        attributes: None.
    """
    import numpy as np

    data, indices, updates = (np.asarray(item) for item in inputs)
    depth = indices.shape[-1]
    places = indices.reshape(-1, depth).astype(np.int64)
    sizes = np.array(data.shape[:depth], np.int64)
    places = np.where(places < 0, places + sizes, places)
    slices = updates.reshape(len(places), *data.shape[depth:])
    output = data.copy()
    for place, update in zip(places, slices):
        if (place >= 0).all() and (place < sizes).all():
            output[tuple(place)] = update
    return [output]
