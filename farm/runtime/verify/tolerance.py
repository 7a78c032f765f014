"""How much an output may differ: by precision, unless the user said it for this output or for all.

An element is within tolerance when its absolute error is at most `atol` *or* its relative error at most `rtol`. The
default `atol` is a share of the root mean square of the reference, since one number cannot suit logits of 1e3 and
probabilities of 1e-3 alike. A probability near 0 is the end of a calculation with numbers near 1 whose rounding it
keeps: `atol` is never less than that rounding, as long as it is small beside the reference itself. Whole numbers and
truth values must be equal unless the user says otherwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Dict, Iterable

from farm.protocol.errors import Invalid
from farm.protocol.options import Precision, VerifyPolicy

# A share of the reference's magnitude. Measured on real networks (docs/verification.md): optimised float32 stays
# below 1e-5 and weights that are off by 1 % begin at 7e-4 in the least sensitive output; the narrow types are
# bounded by their mantissa (TF32 and float16 10 bits, bfloat16 7, FP8 3) and by the depth of the network.
_SHARE: Dict[Precision, float] = {
    Precision.FP32: 5e-4,
    Precision.TF32: 5e-3,
    Precision.FP16: 1e-2,
    Precision.MIX: 1e-2,
    Precision.BF16: 8e-2,
    Precision.INT8: 0.3,
    Precision.FP8: 0.5,
    Precision.BEST: 0.3,
}

# Four times the rounding of a float32 near 1, but never more than this share of the reference.
_ROUNDING = 2.0**-21
_ROUNDING_SHARE = 5e-3

# Rows of a box output that may find no equal: a score beside its threshold may fall on the other side.
_UNMATCHED: Dict[Precision, float] = {
    Precision.FP32: 0.0,
    Precision.TF32: 0.02,
    Precision.FP16: 0.02,
    Precision.MIX: 0.02,
    Precision.BF16: 0.05,
    Precision.INT8: 0.1,
    Precision.FP8: 0.1,
    Precision.BEST: 0.1,
}


@dataclass(frozen=True)
class Tolerance:
    """The tolerance of one output.

    Attributes:
        atol: In units of the output.
        rtol: Relative to the magnitude of the reference, element by element.
        unmatched: Share of the rows of a box output that may find no equal.
    """

    atol: float
    rtol: float
    unmatched: float = 0.0


def tolerance_for(name: str, policy: VerifyPolicy, precision: Precision, dtype: Any, rms: float) -> Tolerance:
    """The tolerance of one output.

    Args:
        name: Of the output.
        policy: The user's word: for this output, or under `""` for all others.
        precision: Chooses the default.
        dtype: NumPy type of the reference.
        rms: Root mean square of the reference's finite values.
    """
    exact = dtype.kind in "biu"
    share = 0.0 if exact else _SHARE[precision]
    return Tolerance(
        atol=_given(policy.atol, name, 0.0 if exact else max(share * rms, min(_ROUNDING, _ROUNDING_SHARE * rms))),
        rtol=_given(policy.rtol, name, share),
        unmatched=_UNMATCHED[precision],
    )


def check_policy(policy: VerifyPolicy, outputs: Iterable[str]) -> VerifyPolicy:
    """The policy, if it speaks of outputs that exist and its tolerances are numbers from 0 up.

    Raises: Invalid: so that a misspelt output is not a tolerance silently dropped.
    """
    known = list(outputs)
    for option, table in (("atol", policy.atol), ("rtol", policy.rtol), ("comparator", policy.comparators)):
        for name in table:
            if name and name not in known:
                raise Invalid(f"{option} names the output {name!r}, which does not exist", f"Use {_list(known)}.")
    for option, numbers in (("atol", policy.atol), ("rtol", policy.rtol)):
        for name, value in numbers.items():
            if not (math.isfinite(value) and value >= 0):
                raise Invalid(f"{option} of {name or 'all outputs'!r} is {value}", "Give a number from 0 up.")
    return policy


def _given(table: Dict[str, float], name: str, default: float) -> float:
    return table.get(name, table.get("", default))


def _list(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names) or "none: the model has no outputs"
