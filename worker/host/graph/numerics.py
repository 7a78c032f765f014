"""Whether two sets of outputs are the same, within the tolerance of a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from farm.protocol.options import Comparator
from farm.protocol.shapes import format_shape
from farm.runtime.verify.align import align
from farm.runtime.verify.compare import compare
from farm.runtime.verify.substance import magnitude
from farm.runtime.verify.tolerance import Tolerance

Array = Any

# The narrowest types have hardly two digits; more than this would let anything pass.
_WIDEST = 0.05
# Functions that saturate at one round as if their value were one: a sigmoid of 1e-4 has an error of 1e-7.
_ROUNDINGS_AT_ONE = 8


def difference(
    before: Mapping[str, Array], after: Mapping[str, Array], share: float | None, rounding: float = 0.0
) -> tuple[float, str | None]:
    """The largest absolute difference of all outputs, and what is wrong; None where all is within the tolerance.

    Whole numbers and truth values must be equal, NaN and infinity must stay where they are.

    Args:
        before: Outputs by name.
        after: Likewise.
        share: How much may differ, as a share of the root mean square of an output in float32. None judges no
            difference of numbers, only what becomes NaN or infinite.
        rounding: Of the coarsest type between inputs and outputs, where that is coarser than theirs.
    """
    largest = 0.0
    for name, reference in before.items():
        output = after[name]
        if output.shape != reference.shape or output.dtype != reference.dtype:
            return largest, f"{name!r} was {_told(reference)}, and became {_told(output)}"
        found, problem = _moved(output, reference) if share is None else _compared(output, reference, share, rounding)
        largest = max(largest, found)
        if problem:
            return largest, f"{name!r} {problem}"
    return largest, None


def _compared(output: Array, reference: Array, share: float, rounding: float) -> tuple[float, str | None]:
    allowed, floor = _allowed(reference.dtype, share, rounding)
    tolerance = Tolerance(atol=allowed * magnitude(reference).rms + floor, rtol=allowed)
    found = compare(align(Comparator.ORDERED, output, reference, tolerance), tolerance)
    largest = found.absolute.maximum or 0.0
    if not found.mismatched:
        return largest, None
    got, wanted = found.worst_pair
    return largest, f"differs in {found.mismatched} of {output.size} elements: {wanted:g} became {got:g}"


def _moved(output: Array, reference: Array) -> tuple[float, str | None]:
    """How far an output moved, and whether numbers of it are lost."""
    import numpy as np

    kept = np.isfinite(reference)
    lost = int(np.count_nonzero(kept & ~np.isfinite(output)))
    both = kept & np.isfinite(output)
    moved = np.abs(output[both].astype(np.float64) - reference[both].astype(np.float64))
    told = f"became NaN or infinite in {lost} of {output.size} elements" if lost else None
    return float(moved.max(initial=0.0)), told


def _allowed(dtype: Any, share: float, inner: float) -> tuple[float, float]:
    """The tolerance of float32, widened by how much coarser the type is, and its floor; nothing for whole numbers."""
    import numpy as np

    if dtype.kind != "f":
        return 0.0, 0.0
    rounding = max(float(np.finfo(dtype).eps), inner)
    widened = share * max(rounding / float(np.finfo(np.float32).eps), 1.0)
    return min(widened, _WIDEST), _ROUNDINGS_AT_ONE * rounding


def _told(array: Array) -> str:
    return f"{array.dtype.name} {format_shape(array.shape)}"
