"""The differences between an output and its reference: float64 arithmetic in chunks, so that memory stays bounded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Callable, Optional, Tuple

import numpy as np

from farm.protocol.report import ErrorStatistics

from .align import Aligned, Pair
from .median import median
from .tolerance import Tolerance

Array = Any

_GREATEST = np.finfo(np.float64).max


@dataclass(frozen=True)
class Comparison:
    """What two aligned arrays differ in.

    Attributes:
        absolute: Of |output - reference| over the elements that are finite on both sides.
        relative: Of the same divided by |reference|, where that is not zero.
        cosine: Of the angle between the two as vectors; None where one is zero or nothing is finite.
        nan_count: NaNs in the output.
        inf_count: Infinities in the output.
        nonfinite_mismatched: Elements where one side is NaN or infinite and the other is not the same.
        off_zero: Elements whose reference is zero and whose output is not: their relative error has no bound.
        mismatched: Elements outside the tolerance, those of `nonfinite_mismatched` among them.
        worst: Flat position of the element that exceeds its tolerance most, or -1 where nothing differs.
        worst_pair: Output and reference there.
    """

    absolute: ErrorStatistics
    relative: ErrorStatistics
    cosine: Optional[float]
    nan_count: int
    inf_count: int
    nonfinite_mismatched: int
    off_zero: int
    mismatched: int
    worst: int
    worst_pair: Tuple[float, float]


@dataclass
class _Tally:
    """Sums over the chunks so far."""

    finite: int = 0
    related: int = 0
    sum_absolute: float = 0.0
    sum_relative: float = 0.0
    max_absolute: float = 0.0
    max_relative: float = 0.0
    dot: float = 0.0
    square_output: float = 0.0
    square_reference: float = 0.0
    nan_count: int = 0
    inf_count: int = 0
    nonfinite_mismatched: int = 0
    off_zero: int = 0
    mismatched: int = 0
    worst: int = -1
    worst_excess: float = 0.0
    worst_pair: Tuple[float, float] = (0.0, 0.0)


def compare(aligned: Aligned, tolerance: Tolerance) -> Comparison:
    """Everything in which the two sides differ. Never raises for any values."""
    tally = _Tally()
    position = 0
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for pair in aligned.pairs():
            _count_broken(tally, pair, position)
            _count_finite(tally, _finite(pair), tolerance, position)
            position += pair[1].size
        return Comparison(
            absolute=_statistics(aligned, tally.finite, tally.max_absolute, tally.sum_absolute, _absolute),
            relative=_statistics(aligned, tally.related, tally.max_relative, tally.sum_relative, _relative),
            cosine=_cosine(tally),
            nan_count=tally.nan_count,
            inf_count=tally.inf_count,
            nonfinite_mismatched=tally.nonfinite_mismatched,
            off_zero=tally.off_zero,
            mismatched=tally.mismatched,
            worst=tally.worst,
            worst_pair=tally.worst_pair,
        )


@dataclass(frozen=True)
class _Finite:
    """The elements of a chunk that are finite on both sides, as float64, and where they stand in it."""

    output: Array
    reference: Array
    difference: Array
    places: Optional[Array]


def _finite(pair: Pair) -> _Finite:
    output, reference = (np.asarray(side, dtype=np.float64) for side in pair)
    difference = np.minimum(np.abs(output - reference), _GREATEST)
    if pair[0].dtype.kind in "iu" and pair[0].dtype.itemsize == 8 and pair[0].dtype == pair[1].dtype:
        # Neighbours above 2**53 are one number in float64, and yet not equal.
        difference = np.where((pair[0] != pair[1]) & (difference == 0), 1.0, difference)
    finite = np.isfinite(output) & np.isfinite(reference)
    if finite.all():
        return _Finite(output, reference, difference, None)
    return _Finite(output[finite], reference[finite], difference[finite], np.flatnonzero(finite))


def _absolute(held: _Finite) -> Array:
    return held.difference


def _relative(held: _Finite) -> Array:
    """Relative errors where they are numbers: at a reference that is not zero."""
    magnitude = np.abs(held.reference)
    usable = magnitude > 0
    if usable.all():
        return np.minimum(held.difference / magnitude, _GREATEST)
    return np.minimum(held.difference[usable] / magnitude[usable], _GREATEST)


def _count_broken(tally: _Tally, pair: Pair, position: int) -> None:
    """NaN and infinity: in the output, and where the other side is not the same."""
    output, reference = pair
    if output.dtype.kind != "f" or reference.dtype.kind != "f":
        return
    nan_output, nan_reference = np.isnan(output), np.isnan(reference)
    odd = nan_output | nan_reference | np.isinf(output) | np.isinf(reference)
    if not odd.any():
        return
    broken = odd & (output != reference) & ~(nan_output & nan_reference)
    tally.nan_count += int(nan_output.sum())
    tally.inf_count += int(np.isinf(output).sum())
    tally.nonfinite_mismatched += int(broken.sum())
    tally.mismatched += int(broken.sum())
    if broken.any() and not math.isinf(tally.worst_excess):
        index = int(np.argmax(broken))
        tally.worst, tally.worst_excess = position + index, math.inf
        tally.worst_pair = (float(output[index]), float(reference[index]))


def _count_finite(tally: _Tally, held: _Finite, tolerance: Tolerance, position: int) -> None:
    if not held.difference.size:
        return
    magnitude = np.abs(held.reference)
    allowed = np.maximum(tolerance.atol, tolerance.rtol * magnitude)
    tally.mismatched += int((held.difference > allowed).sum())
    tally.off_zero += int(((magnitude == 0) & (held.difference > 0)).sum())
    excess = held.difference / np.maximum(allowed, np.finfo(np.float64).tiny)
    index = int(np.argmax(excess))
    if excess[index] > tally.worst_excess:
        place = index if held.places is None else int(held.places[index])
        tally.worst, tally.worst_excess = position + place, float(excess[index])
        tally.worst_pair = (float(held.output[index]), float(held.reference[index]))
    tally.finite += held.difference.size
    tally.sum_absolute += float(held.difference.sum())
    tally.max_absolute = max(tally.max_absolute, float(held.difference.max()))
    relative = _relative(held)
    tally.related += relative.size
    tally.sum_relative += float(relative.sum())
    tally.max_relative = max(tally.max_relative, float(relative.max(initial=0.0)))
    tally.dot += float(np.dot(held.output, held.reference))
    tally.square_output += float(np.dot(held.output, held.output))
    tally.square_reference += float(np.dot(held.reference, held.reference))


def _statistics(
    aligned: Aligned, count: int, maximum: float, total: float, errors: Callable[[_Finite], Array]
) -> ErrorStatistics:
    if not count:
        return ErrorStatistics()
    if not maximum:
        return ErrorStatistics(0.0, 0.0, 0.0)
    middle = median(lambda: (errors(_finite(pair)) for pair in aligned.pairs()), count)
    return ErrorStatistics(maximum, min(total / count, _GREATEST), min(middle, _GREATEST))


def _cosine(tally: _Tally) -> Optional[float]:
    norms = math.sqrt(tally.square_output) * math.sqrt(tally.square_reference)
    if not (norms > 0 and math.isfinite(norms) and math.isfinite(tally.dot)):
        return None
    return max(-1.0, min(1.0, tally.dot / norms))
