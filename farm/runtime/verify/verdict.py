"""Passed, failed or unverified: for each output, and for all.

`unverified` is neither right nor wrong: there is no reference, or the reference would agree with anything. An output
that is outside its tolerance has failed all the same, whatever its reference can prove.
"""

from __future__ import annotations

from typing import AbstractSet, Any, Mapping, Optional, Tuple

import numpy as np

from farm.protocol.options import Comparator, Precision, Statistic, VerifyPolicy
from farm.protocol.report import OutputVerification, Verdict, VerificationReport
from farm.protocol.shapes import format_shape

from .align import Aligned, align
from .compare import Comparison, compare
from .substance import insubstantial, magnitude
from .tolerance import Tolerance, check_policy, tolerance_for

Array = Any


def judge(
    outputs: Mapping[str, Array],
    references: Mapping[str, Array],
    policy: VerifyPolicy,
    precision: Precision = Precision.FP32,
    reference: str = "",
    unmoved: AbstractSet[str] = frozenset(),
) -> VerificationReport:
    """The verdict over all outputs: failed if one failed, passed only if all passed.

    Args:
        outputs: What the engine gave, by name.
        references: What it should have given; an output without one stays unverified.
        policy: Tolerances, statistic, comparators.
        precision: Chooses the default tolerances.
        reference: Where the references came from, for the report.
        unmoved: Outputs that stayed the same although the inputs changed.

    Raises: Invalid: the policy speaks of an output that does not exist.
    """
    check_policy(policy, outputs)
    judged = [
        _judge_output(name, outputs[name], references.get(name), policy, precision, name in unmoved) for name in outputs
    ]
    judged += [_absent(name, array) for name, array in references.items() if name not in outputs]
    verdict = _worst(judged)
    reason = "; ".join(f"{item.name}: {item.reason}" for item in judged if item.verdict is verdict and item.reason)
    return VerificationReport(verdict, reference, tuple(judged), policy, reason)


def unjudged(policy: VerifyPolicy, reason: str) -> VerificationReport:
    """The report of an engine whose outputs were held against nothing."""
    return VerificationReport(Verdict.UNVERIFIED, "none", (), policy, reason)


def _worst(judged: list[OutputVerification]) -> Verdict:
    verdicts = {item.verdict for item in judged}
    if Verdict.FAILED in verdicts:
        return Verdict.FAILED
    return Verdict.PASSED if verdicts == {Verdict.PASSED} else Verdict.UNVERIFIED


def _judge_output(
    name: str, output: Array, reference: Optional[Array], policy: VerifyPolicy, precision: Precision, unmoved: bool
) -> OutputVerification:
    output = np.asarray(output)
    if reference is None:
        tolerance = tolerance_for(name, policy, precision, output.dtype, 0.0)
        return _plain(name, output, Verdict.UNVERIFIED, "there is no reference for this output", tolerance)
    reference = np.asarray(reference)
    size = magnitude(reference)
    tolerance = tolerance_for(name, policy, precision, reference.dtype, size.rms)
    comparator = policy.comparators.get(name, policy.comparators.get("", Comparator.ORDERED))
    unlike = _unlike(output, reference, comparator)
    if unlike:
        return _plain(name, output, Verdict.FAILED, unlike, tolerance)
    if not output.size and not reference.size:
        return _plain(name, output, Verdict.UNVERIFIED, "the output is empty", tolerance)
    aligned = align(comparator, output, reference, tolerance)
    found = compare(aligned, tolerance)
    verdict, reason = Verdict.FAILED, _fault(found, aligned, tolerance, policy.statistic)
    if not reason:
        reason = insubstantial(reference, size) or ("it does not depend on the inputs" if unmoved else "")
        verdict = Verdict.UNVERIFIED if reason else Verdict.PASSED
    return _report(name, output, verdict, reason, tolerance, aligned, found)


def _unlike(output: Array, reference: Array, comparator: Comparator) -> str:
    """Why the two cannot be compared at all, or nothing."""
    if (output.dtype.kind == "f") != (reference.dtype.kind == "f"):
        return f"it is {output.dtype}, the reference is {reference.dtype}"
    same = output.shape == reference.shape
    if comparator is Comparator.BOXES and output.ndim == reference.ndim >= 1:
        rows = -2 if output.ndim > 1 else -1
        same = all(
            a == b for axis, (a, b) in enumerate(zip(output.shape, reference.shape), -output.ndim) if axis != rows
        )
    if same:
        return ""
    return f"its shape is {format_shape(output.shape)}, the reference has {format_shape(reference.shape)}"


def _fault(found: Comparison, aligned: Aligned, tolerance: Tolerance, statistic: Statistic) -> str:
    """Why the output is wrong, as one clause; empty where it is right."""
    if found.nan_count and found.nonfinite_mismatched:
        return f"{found.nan_count} NaN where the reference has other values"
    if found.nonfinite_mismatched:
        return f"{found.nonfinite_mismatched} elements are infinite or NaN on one side only"
    if aligned.rows:
        lacking = aligned.unmatched if statistic is Statistic.ELEMWISE else aligned.missing
        allowed = int(tolerance.unmatched * aligned.rows)
        if lacking > allowed:
            return f"{lacking} of {aligned.rows} rows have no equal ({allowed} allowed){_worst_at(found, aligned)}"
    if statistic is Statistic.ELEMWISE:
        if not found.mismatched or aligned.rows:
            return ""
        return (
            f"{found.mismatched} of {aligned.elements} elements are outside atol {tolerance.atol:.3g} "
            f"and rtol {tolerance.rtol:.3g}{_worst_at(found, aligned)}"
        )
    return _statistic_fault(found, tolerance, statistic)


def _statistic_fault(found: Comparison, tolerance: Tolerance, statistic: Statistic) -> str:
    word = {Statistic.MAX: "maximum", Statistic.MEAN: "mean", Statistic.MEDIAN: "median"}[statistic]
    absolute, relative = getattr(found.absolute, word), getattr(found.relative, word)
    if absolute is None or absolute <= tolerance.atol:
        return ""
    # A value beside a reference of zero is wrong by a factor without bound: only atol can excuse it.
    if relative is not None and relative <= tolerance.rtol and not found.off_zero:
        return ""
    told = "unbounded" if relative is None or found.off_zero else f"{relative:.3g}"
    return (
        f"the {word} error is {absolute:.3g} absolute and {told} relative, "
        f"outside atol {tolerance.atol:.3g} and rtol {tolerance.rtol:.3g}"
    )


def _worst_at(found: Comparison, aligned: Aligned) -> str:
    if found.worst < 0:
        return ""
    output, reference = found.worst_pair
    return f"; worst at {_index(found, aligned)}: {output:.6g} instead of {reference:.6g}"


def _index(found: Comparison, aligned: Aligned) -> Tuple[int, ...]:
    if found.worst < 0:
        return ()
    return tuple(int(axis) for axis in np.unravel_index(found.worst, aligned.shape))


def _report(
    name: str,
    output: Array,
    verdict: Verdict,
    reason: str,
    tolerance: Tolerance,
    aligned: Aligned,
    found: Comparison,
) -> OutputVerification:
    return OutputVerification(
        name=name,
        verdict=verdict,
        reason=reason,
        shape=output.shape,
        atol=tolerance.atol,
        rtol=tolerance.rtol,
        absolute=found.absolute,
        relative=found.relative,
        cosine=found.cosine,
        nan_count=found.nan_count,
        inf_count=found.inf_count,
        elements=aligned.elements,
        mismatched=found.mismatched,
        worst_index=_index(found, aligned),
    )


def _plain(name: str, output: Array, verdict: Verdict, reason: str, tolerance: Tolerance) -> OutputVerification:
    """The report of an output that was held against nothing."""
    numbers = output if output.dtype.kind == "f" else np.zeros(0)
    return OutputVerification(
        name=name,
        verdict=verdict,
        reason=reason,
        shape=output.shape,
        atol=tolerance.atol,
        rtol=tolerance.rtol,
        nan_count=int(np.isnan(numbers).sum()),
        inf_count=int(np.isinf(numbers).sum()),
        elements=int(output.size),
    )


def _absent(name: str, reference: Array) -> OutputVerification:
    return OutputVerification(
        name, Verdict.FAILED, "the engine has no such output", np.asarray(reference).shape, 0.0, 0.0
    )


def _without(axes: Tuple[int, ...], axis: int) -> Tuple[int, ...]:
    return axes[:axis] + axes[len(axes) + axis + 1 :]
