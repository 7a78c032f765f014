from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from farm.protocol.errors import Invalid
from farm.protocol.options import Comparator, Precision, VerifyPolicy
from farm.runtime.verify.tolerance import check_policy, tolerance_for

FLOAT, WHOLE = np.dtype(np.float32), np.dtype(np.int64)


def test_the_default_follows_the_size_of_the_reference() -> None:
    small = tolerance_for("y", VerifyPolicy(), Precision.FP32, FLOAT, rms=1e-2)
    large = tolerance_for("y", VerifyPolicy(), Precision.FP32, FLOAT, rms=1e3)
    assert large.atol == pytest.approx(small.atol * 1e5)
    assert large.rtol == small.rtol


def test_a_probability_near_zero_may_keep_the_rounding_of_numbers_near_one() -> None:
    """0.000144511 instead of 0.000144601: that is what the optimisation of a real network did to a sigmoid."""
    atol = tolerance_for("y", VerifyPolicy(), Precision.FP32, FLOAT, rms=1.446e-4).atol
    assert 9e-8 < atol < 5e-7
    assert tolerance_for("y", VerifyPolicy(), Precision.FP32, FLOAT, rms=1e-9).atol == pytest.approx(5e-12)


def test_every_precision_has_a_default_and_narrow_types_are_never_stricter() -> None:
    order = [Precision.FP32, Precision.TF32, Precision.FP16, Precision.BF16, Precision.INT8]
    found = [tolerance_for("y", VerifyPolicy(), precision, FLOAT, 1.0).rtol for precision in order]
    assert found == sorted(found)
    assert all(tolerance_for("y", VerifyPolicy(), precision, FLOAT, 1.0).rtol > 0 for precision in Precision)


def test_whole_numbers_must_be_equal_unless_told_otherwise() -> None:
    assert tolerance_for("y", VerifyPolicy(), Precision.INT8, WHOLE, 9.0).atol == 0.0
    assert tolerance_for("y", VerifyPolicy(atol={"": 1.0}), Precision.FP32, WHOLE, 9.0).atol == 1.0


def test_an_output_s_own_tolerance_comes_before_that_of_all_others() -> None:
    policy = VerifyPolicy(atol={"": 0.5, "y": 0.1}, rtol={"y": 0.2})
    assert tolerance_for("y", policy, Precision.FP32, FLOAT, 1.0).atol == 0.1
    assert tolerance_for("z", policy, Precision.FP32, FLOAT, 1.0).atol == 0.5
    assert tolerance_for("y", policy, Precision.FP32, FLOAT, 1.0).rtol == 0.2


@pytest.mark.parametrize(
    "policy",
    [
        VerifyPolicy(atol={"logit": 1.0}),
        VerifyPolicy(rtol={"logit": 1.0}),
        VerifyPolicy(comparators={"logit": Comparator.SORTED}),
    ],
)
def test_a_misspelt_output_is_an_error(policy: Any) -> None:
    with pytest.raises(Invalid, match="'logit', which does not exist"):
        check_policy(policy, ["logits"])


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_a_tolerance_is_a_number_from_zero_up(value: Any) -> None:
    with pytest.raises(Invalid, match="atol"):
        check_policy(VerifyPolicy(atol={"": value}), ["y"])
