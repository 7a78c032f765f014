"""The running minimum in NumPy; it follows `torch.cummin`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plugins.common.running_extremum.reference import Array, running


def reference(inputs: Sequence[Array | None], attributes: Mapping[str, Any]) -> list[Array]:
    """Values, and places as int32, of the minimum so far along the axis `dim`."""
    import numpy as np

    return running(inputs, attributes, np.less)
