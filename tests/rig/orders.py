"""Build orders for the rig."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from farm.protocol.options import BuildOptions, Precision, ShapeRange
from farm.protocol.target import BuildTarget
from tests.worker.device.builders.orders import order_of
from worker.device.builders.base import BuildOrder

from .rig import VERSION

AHEAD = BuildTarget("tensorrt_rtx", VERSION, "linux-x86_64", "glibc-2.36")


def order(folder: Path, model: Any, precision: Precision = Precision.FP32, **more: Any) -> BuildOrder:
    """An order for the rig; what is no field of the options is an option of the backend, or of `order_of`."""
    known = {name: more.pop(name) for name in ("profiles",) if name in more}
    given = {name: more.pop(name) for name in ("calibration", "beside") if name in more}
    options = BuildOptions(precision=precision, backend_options=more, **known)
    return order_of(folder, model, options, target=AHEAD, **given)


def around(*shapes: tuple[int, ...]) -> ShapeRange:
    """A range from smallest, best and largest shape."""
    return ShapeRange(*shapes)
