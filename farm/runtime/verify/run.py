"""Verification of an open engine: run the reference inputs, judge the outputs, and see whether they move at all."""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, Mapping, Optional

import numpy as np

from farm.protocol.errors import Invalid
from farm.protocol.options import Precision, VerifyPolicy
from farm.protocol.report import Verdict, VerificationReport

from ..session import Session
from .align import CHUNK
from .tolerance import check_policy
from .values import Keep, with_values
from .verdict import judge, unjudged

Array = Any


def verify(
    session: Session,
    inputs: Mapping[str, Array],
    references: Optional[Mapping[str, Array]],
    policy: Optional[VerifyPolicy] = None,
    precision: Precision = Precision.FP32,
    reference: str = "",
    keep_values: Optional[Keep] = None,
) -> VerificationReport:
    """The verdict over an engine: one run on the reference inputs, one more on changed inputs.

    Args:
        session: The open engine; it stays open.
        inputs: One array for each input.
        references: Output name to reference; None where nobody knows them.
        policy: Tolerances, statistic, comparators; the defaults by precision when absent.
        precision: What the engine was built for.
        reference: Where the references came from.
        keep_values: Gets some values of each output, packed; the report names their sha256.

    Raises: Invalid: the inputs do not fit the engine, or the policy names an output it does not have.
    """
    policy = policy or VerifyPolicy()
    check_policy(policy, [spec.name for spec in session.outputs])
    if not policy.enabled:
        return unjudged(policy, "verification was switched off")
    if references is None:
        return unjudged(policy, "there are no reference outputs")
    outputs = session.run(inputs)
    report = judge(outputs, references, policy, precision, reference)
    if report.verdict is Verdict.PASSED:
        unmoved = _unmoved(session, inputs, outputs)
        report = judge(outputs, references, policy, precision, reference, unmoved) if unmoved else report
    return with_values(report, outputs, keep_values) if keep_values else report


def changed(inputs: Mapping[str, Array]) -> Optional[Dict[str, Array]]:
    """Other inputs of the same kind: the values in reverse order, floats at three quarters of their size.

    Whole numbers (lengths, rates, indices) stay as they are beside floats, since not every combination of them is
    allowed; alone they are reversed. None where nothing changes by it.
    """
    floats = any(array.dtype.kind == "f" for array in inputs.values())
    other = {}
    for name, array in inputs.items():
        is_float = array.dtype.kind == "f"
        turned = array.reshape(-1)[::-1].reshape(array.shape) if is_float or not floats else array
        other[name] = np.array(turned * array.dtype.type(0.75) if is_float else turned, order="C")
    if all(np.array_equal(other[name], inputs[name]) for name in inputs):
        return None
    return other


def _unmoved(session: Session, inputs: Mapping[str, Array], outputs: Mapping[str, Array]) -> FrozenSet[str]:
    """Outputs of floats that are bit for bit the same for changed inputs."""
    other_inputs = changed(inputs)
    if other_inputs is None:
        return frozenset()
    try:
        others = session.run(other_inputs)
    except Invalid:
        # A model may refuse inputs that nobody asked it to take: then nothing is known.
        return frozenset()
    return frozenset(name for name, array in outputs.items() if array.dtype.kind == "f" and _equal(array, others[name]))


def _equal(one: Array, other: Array) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    left, right = one.reshape(-1), other.reshape(-1)
    return all(
        np.array_equal(left[start : start + CHUNK], right[start : start + CHUNK], equal_nan=True)
        for start in range(0, left.size, CHUNK)
    )
