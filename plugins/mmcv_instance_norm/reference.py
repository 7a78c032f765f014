"""Instance normalization in NumPy; it follows ONNX and `torch.nn.functional.instance_norm`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Array = Any


def reference(inputs: Sequence[Array | None], attributes: Mapping[str, Any]) -> list[Array]:
    """Each plane of [N, C, …] less its mean, over its deviation, times the channel's scale, plus its bias.

    Args:
        inputs: The tensor, scale [C], bias [C].
        attributes: `epsilon`, 1e-5 without one, is added to the variance (of all elements, not one less).
    """
    import numpy as np

    given, scale, bias = (np.asarray(item) for item in inputs)
    if given.size == 0:
        return [given.copy()]
    planes = given.astype(np.float64).reshape(*given.shape[:2], -1)
    apart = planes - planes.mean(-1, keepdims=True)
    deviation = np.sqrt(planes.var(-1, keepdims=True) + float(attributes.get("epsilon", 1e-5)))
    scaled = apart / deviation * scale.astype(np.float64)[:, None] + bias.astype(np.float64)[:, None]
    return [scaled.astype(given.dtype).reshape(given.shape)]
