"""How operators of newer opsets are written in older ones. One line for each, at the end."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from .rewrite import Rule, Site

# Names of interpolations before opset 20.
_INTERPOLATIONS = {b"linear": "bilinear", b"cubic": "bicubic", b"nearest": "nearest"}


@dataclass(frozen=True)
class OlderForm:
    """How an operator is written for versions before `since`."""

    since: int
    rule: Rule


def _reduce(site: Site) -> None:
    """Axes as an attribute; from opset 18 on they are an input."""
    axes = site.constant(site.input(1)) if site.input(1) else None
    if site.input(1) and axes is None:
        return
    if (axes is None or axes.size == 0) and site.attribute("noop_with_empty_axes", 0):
        # Over no axes the others still square, or take logarithms.
        if site.node.op_type in ("ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd"):
            site.op("Identity", [site.input(0)])
        return
    attributes = {} if axes is None or axes.size == 0 else {"axes": axes.tolist()}
    site.op(site.node.op_type, [site.input(0)], keepdims=site.attribute("keepdims", 1), **attributes)


def _split(site: Site) -> None:
    """The sizes of pieces instead of their number."""
    import numpy as np

    count, axis, shape = site.attribute("num_outputs", 0), site.attribute("axis", 0), site.shape(site.input(0))
    size = shape[axis] if shape else None
    if not count or size is None:
        return
    each = math.ceil(size / count)
    sizes = np.array([each] * (count - 1) + [size - each * (count - 1)], np.int64)
    site.same([site.input(0), site.weight("split", sizes)])
    site.made[-1].attribute.remove(next(item for item in site.made[-1].attribute if item.name == "num_outputs"))


def _pad(site: Site) -> None:
    """Borders of all axes instead of some named ones."""
    import numpy as np

    axes, borders, shape = site.constant(site.input(3)), site.constant(site.input(1)), site.shape(site.input(0))
    if axes is None or borders is None or shape is None:
        return
    every = np.zeros((2, len(shape)), np.int64)
    every[:, axes] = borders.reshape(2, -1)
    site.same([site.input(0), site.weight("pads", every.reshape(-1)), *([site.input(2)] if site.input(2) else [])])


def _gelu(site: Site) -> None:
    """X * Phi(x): with erf, or with its approximation by tanh."""
    from onnx import helper

    x = site.input(0)
    dtype = helper.tensor_dtype_to_np_dtype(site.kind(x)) if site.kind(x) else None
    if dtype is None:
        return

    def number(part: str, value: float) -> str:
        return site.weight(part, dtype.type(value))

    if site.attribute("approximate", b"none") == b"tanh":
        cube = site.op("Mul", [site.op("Mul", [x, x], "square"), x], "cube")
        bent = site.op("Mul", [cube, number("bend", 0.044715)], "bent")
        inner = site.op("Mul", [site.op("Add", [x, bent], "sum"), number("scale", math.sqrt(2 / math.pi))], "scaled")
        curve = site.op("Tanh", [inner], "curve")
    else:
        curve = site.op("Erf", [site.op("Mul", [x, number("scale", math.sqrt(0.5))], "scaled")], "curve")
    half = site.op("Mul", [x, number("half", 0.5)], "halved")
    site.op("Mul", [half, site.op("Add", [curve, number("one", 1)], "raised")])


def _mish(site: Site) -> None:
    curve = site.op("Tanh", [site.op("Softplus", [site.input(0)], "softplus")], "curve")
    site.op("Mul", [site.input(0), curve])


def _grid_sample(site: Site) -> None:
    """Other names of the interpolations, and images only."""
    grid = site.shape(site.input(1))
    if grid is None or len(grid) != 4:
        return
    kept = [item for item in site.node.attribute if item.name != "mode"]
    mode = _INTERPOLATIONS[site.attribute("mode", b"linear")]
    site.op("GridSample", site.node.input, mode=mode)
    site.made[-1].attribute.extend(kept)


OLDER_FORMS: Mapping[str, OlderForm] = {
    **{
        f"Reduce{kind}": OlderForm(18, _reduce)
        for kind in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare")
    },
    "Split": OlderForm(18, _split),
    "Pad": OlderForm(18, _pad),
    "Mish": OlderForm(18, _mish),
    "Gelu": OlderForm(20, _gelu),
    "GridSample": OlderForm(20, _grid_sample),
}
