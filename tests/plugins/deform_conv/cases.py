"""Inputs of deformable convolutions, and other people's operators that answer for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..cpu.kernels import Kernels, Output, Scratch

Array = Any


@dataclass(frozen=True)
class Case:
    """Sizes and attributes; pairs are (rows, columns)."""

    x: tuple[int, int, int, int]
    out: int
    kernel: tuple[int, int] = (3, 3)
    attributes: dict[str, Any] = field(default_factory=dict)
    mask: bool = False
    bias: bool = False

    def pair(self, name: str) -> tuple[int, int]:
        """An attribute of two numbers."""
        first, second = self.attributes.get(name, {"padding": (0, 0)}.get(name, (1, 1)))
        return int(first), int(second)

    @property
    def groups(self) -> int:
        """Groups of the convolution."""
        return int(self.attributes.get("groups", 1))

    @property
    def parts(self) -> int:
        """Deform groups."""
        return int(self.attributes.get("deform_groups", 1))

    @property
    def rows_and_columns(self) -> tuple[int, int]:
        """Of the output."""
        strides, paddings, dilations = (self.pair(name) for name in ("stride", "padding", "dilation"))
        rows, columns = (
            (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
            for size, kernel, stride, padding, dilation in zip(
                self.x[2:], self.kernel, strides, paddings, dilations, strict=True
            )
        )
        return rows, columns

    @property
    def numbers(self) -> tuple[int, ...]:
        """As `DeformConvSize` has them."""
        pairs = [self.kernel, *(self.pair(name) for name in ("stride", "padding", "dilation"))]
        sizes = [*self.x, self.out, *self.rows_and_columns, *np.ravel(pairs), self.groups, self.parts]
        return tuple(int(size) for size in sizes)

    def inputs(self, dtype: Any = np.float32, seed: int = 0, reach: float = 2.0) -> list[Array]:
        """[x, offset, mask or None, weight, bias or None]; offsets reach that many pixels far, often outside."""
        draw = np.random.default_rng(seed)
        taps = self.kernel[0] * self.kernel[1]
        images, per_group = self.x[0], self.x[1] // self.groups
        where = self.rows_and_columns
        made = [
            draw.standard_normal(self.x),
            draw.standard_normal((images, self.parts * taps * 2, *where)) * reach,
            draw.uniform(0, 1, (images, self.parts * taps, *where)) if self.mask else None,
            draw.standard_normal((self.out, per_group, *self.kernel)) / np.sqrt(per_group * taps),
            draw.standard_normal(self.out) if self.bias else None,
        ]
        return [None if array is None else array.astype(dtype) for array in made]


def computed(kernels: Kernels, case: Case, inputs: list[Array], tf32: bool = False) -> Array:
    """What the kernels give."""
    dtype = inputs[0].dtype
    numbers = case.numbers
    size = kernels.status("workspace_bytes", numbers, dtype.itemsize)
    output = Output((case.x[0], case.out, *case.rows_and_columns), dtype)
    symbol = "run_half" if dtype == np.float16 else "run_float"
    (found,) = kernels.call(symbol, numbers, *inputs, output, int(tf32), Scratch(size), None)
    return found


def by_torch(torch: Any, case: Case, inputs: list[Array]) -> Array:
    """The same from PyTorch's own samplers and sums: `grid_sample` for each tap, and a product for each group."""
    exact: list[Any] = [None if array is None else torch.from_numpy(array.astype(np.float64)) for array in inputs]
    x, offset, mask, weight, bias = exact
    images, channels, height, width = case.x
    (rows, columns), taps, parts = case.rows_and_columns, case.kernel[0] * case.kernel[1], case.parts
    offset = offset.reshape(images, parts, taps, 2, rows, columns)
    sampled = torch.zeros(images, channels, taps, rows, columns, dtype=torch.float64)
    strides, paddings, dilations = (case.pair(name) for name in ("stride", "padding", "dilation"))
    for tap in range(taps):
        row, column = divmod(tap, case.kernel[1])
        y = (torch.arange(rows) * strides[0] - paddings[0] + row * dilations[0])[:, None] + offset[:, :, tap, 0]
        x_at = (torch.arange(columns) * strides[1] - paddings[1] + column * dilations[1]) + offset[:, :, tap, 1]
        grid = torch.stack(((2 * x_at + 1) / width - 1, (2 * y + 1) / height - 1), -1)
        picked = torch.nn.functional.grid_sample(
            x.reshape(images * parts, channels // parts, height, width),
            grid.reshape(images * parts, rows, columns, 2),
            align_corners=False,
        ).reshape(images, parts, channels // parts, rows, columns)
        if mask is not None:
            picked = picked * mask.reshape(images, parts, taps, 1, rows, columns)[:, :, tap]
        sampled[:, :, tap] = picked.reshape(images, channels, rows, columns)
    given = sampled.reshape(images, case.groups, -1, rows * columns)
    product = weight.reshape(1, case.groups, case.out // case.groups, -1) @ given
    total = product.reshape(images, case.out, rows, columns)
    return (total if bias is None else total + bias[:, None, None]).numpy()


def by_onnx(case: Case, inputs: list[Array]) -> Array:
    """The same from ONNX' definition of DeformConv in Python."""
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    x, offset, mask, weight, bias = inputs
    if bias is None:
        bias = np.zeros(case.out, x.dtype)
    names = ("x", "weight", "offset", "bias", "mask")
    given = dict(zip(names, (x, weight, offset, bias, mask), strict=True))
    node = helper.make_node(
        "DeformConv",
        [name if given[name] is not None else "" for name in names],
        ["y"],
        kernel_shape=list(case.kernel),
        strides=list(case.pair("stride")),
        pads=list(case.pair("padding")) * 2,
        dilations=list(case.pair("dilation")),
        group=case.groups,
        offset_group=case.parts,
    )
    taken = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape)
        for name, array in given.items()
        if array is not None
    ]
    made = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    model = helper.make_model(
        helper.make_graph([node], "deform", taken, [made]), opset_imports=[helper.make_opsetid("", 19)]
    )
    feed = {name: array for name, array in given.items() if array is not None}
    (found,) = ReferenceEvaluator(model).run(None, feed)
    return found
