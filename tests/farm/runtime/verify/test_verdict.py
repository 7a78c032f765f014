from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from farm.protocol.codec import dumps, loads
from farm.protocol.errors import Invalid
from farm.protocol.options import Comparator, Precision, Statistic, VerifyPolicy
from farm.protocol.report import Verdict, VerificationReport
from farm.runtime.verify.verdict import judge

RIGHT = np.random.default_rng(0).standard_normal((4, 25)).astype(np.float32)


def judged(output: Any, reference: Any = RIGHT, precision: Any = Precision.FP32, **policy: Any) -> Any:
    report = judge({"y": np.asarray(output)}, {"y": np.asarray(reference)}, VerifyPolicy(**policy), precision, "test")
    assert loads(VerificationReport, dumps(report)) == report
    return report


def test_equal_outputs_pass() -> None:
    report = judged(RIGHT)
    assert report.verdict is Verdict.PASSED
    assert report.outputs[0].cosine == pytest.approx(1.0)
    assert (report.reason, report.reference, report.outputs[0].elements) == ("", "test", 100)


def test_rounding_of_an_optimiser_passes() -> None:
    assert judged(RIGHT * np.float32(1 + 1e-6)).verdict is Verdict.PASSED


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.TF32, Precision.FP16])
def test_one_percent_off_fails(precision: Any) -> None:
    assert judged(RIGHT * np.float32(1.0101), precision=precision).verdict is Verdict.FAILED


def test_the_reason_names_the_worst_element() -> None:
    output = RIGHT.copy()
    output[2, 3] = 9.0
    report = judged(output)
    assert report.outputs[0].worst_index == (2, 3)
    assert "1 of 100 elements" in report.reason
    assert f"worst at (2, 3): 9 instead of {RIGHT[2, 3]:.6g}" in report.reason


def test_a_nan_fails_under_every_statistic_and_any_tolerance() -> None:
    output = RIGHT.copy()
    output[0, 0] = np.nan
    for statistic in Statistic:
        report = judged(output, statistic=statistic, atol={"": 1e9}, rtol={"": 1e9})
        assert report.verdict is Verdict.FAILED
        assert "1 NaN" in report.reason
        assert report.outputs[0].nan_count == 1


def test_infinity_on_one_side_fails() -> None:
    output = RIGHT.copy()
    output[0, 0] = np.inf
    assert "infinite" in judged(output).reason


def test_nan_in_the_same_places_is_no_fault_of_the_engine() -> None:
    both = RIGHT.copy()
    both[0, 0] = np.nan
    assert judged(both, both).verdict is Verdict.PASSED


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (RIGHT[:, :24], "its shape is 4x24, the reference has 4x25"),
        (RIGHT.reshape(25, 4), "its shape is 25x4"),
        (RIGHT[0, 0], "its shape is scalar"),
        (RIGHT.astype(np.int64), "it is int64, the reference is float32"),
    ],
)
def test_another_shape_or_kind_fails(output: Any, reason: str) -> None:
    report = judged(output)
    assert report.verdict is Verdict.FAILED
    assert reason in report.reason


def test_a_narrower_float_is_compared() -> None:
    assert judged(RIGHT.astype(np.float16), precision=Precision.FP16).verdict is Verdict.PASSED


@pytest.mark.parametrize("reference", [np.zeros((0, 4)), np.full(16, 2.0), np.full(16, np.nan)])
def test_what_proves_nothing_is_unverified(reference: Any) -> None:
    assert judged(reference, reference).verdict is Verdict.UNVERIFIED


def test_a_constant_that_is_wrong_fails_all_the_same() -> None:
    assert judged(np.full(16, 2.5), np.full(16, 2.0)).verdict is Verdict.FAILED


def test_a_saturated_output_is_unverified() -> None:
    one_hot = np.eye(16, dtype=np.float32)[3]
    report = judged(one_hot, one_hot)
    assert report.verdict is Verdict.UNVERIFIED
    assert "saturated" in report.reason


def test_swapped_outputs_fail() -> None:
    other = np.random.default_rng(1).standard_normal((4, 25)).astype(np.float32)
    report = judge({"a": RIGHT, "b": other}, {"a": other, "b": RIGHT}, VerifyPolicy())
    assert report.verdict is Verdict.FAILED
    assert [item.verdict for item in report.outputs] == [Verdict.FAILED, Verdict.FAILED]


def test_failed_comes_before_unverified_comes_before_passed() -> None:
    constant = np.ones(8)
    right = {"a": RIGHT, "b": constant}
    assert judge({"a": RIGHT, "b": constant}, right, VerifyPolicy()).verdict is Verdict.UNVERIFIED
    assert judge({"a": RIGHT + 1, "b": constant}, right, VerifyPolicy()).verdict is Verdict.FAILED


def test_an_output_without_a_reference_is_unverified_and_a_reference_without_an_output_fails() -> None:
    assert judge({"a": RIGHT}, {}, VerifyPolicy()).verdict is Verdict.UNVERIFIED
    missing = judge({"a": RIGHT}, {"a": RIGHT, "b": RIGHT}, VerifyPolicy())
    assert missing.verdict is Verdict.FAILED
    assert "b: the engine has no such output" in missing.reason


def test_an_output_that_never_moves_is_unverified() -> None:
    report = judge({"a": RIGHT}, {"a": RIGHT}, VerifyPolicy(), unmoved=frozenset({"a"}))
    assert report.verdict is Verdict.UNVERIFIED
    assert "does not depend on the inputs" in report.reason


def test_statistics_forgive_a_single_element_and_elementwise_does_not() -> None:
    output = RIGHT.copy()
    output[0, 0] += 0.05
    tolerance = {"atol": {"": 0.01}, "rtol": {"": 0.0}}
    assert judged(output, **tolerance).verdict is Verdict.FAILED
    assert judged(output, statistic=Statistic.MAX, **tolerance).verdict is Verdict.FAILED
    assert judged(output, statistic=Statistic.MEAN, **tolerance).verdict is Verdict.PASSED
    assert judged(output, statistic=Statistic.MEDIAN, **tolerance).verdict is Verdict.PASSED


def test_a_relative_statistic_cannot_excuse_what_stands_beside_zero() -> None:
    reference = np.array([0.0, 1.0, 2.0, 3.0])
    output = np.array([5.0, 1.0, 2.0, 3.0])
    report = judged(output, reference, statistic=Statistic.MEAN, atol={"": 1e-3}, rtol={"": 0.1})
    assert report.verdict is Verdict.FAILED
    assert "unbounded" in report.reason


def test_top_k_in_another_order_passes_sorted_and_fails_ordered() -> None:
    shuffled = RIGHT[:, ::-1]
    assert judged(shuffled, comparators={"y": Comparator.SORTED}).verdict is Verdict.PASSED
    assert judged(shuffled).verdict is Verdict.FAILED


def test_boxes_may_differ_in_number_only_as_far_as_the_precision_allows() -> None:
    boxes = np.random.default_rng(2).random((100, 6)) * 100
    fewer = boxes[np.random.default_rng(3).permutation(100)[:98]]
    as_boxes = {"comparators": {"": Comparator.BOXES}}
    assert judged(fewer, boxes, Precision.FP16, **as_boxes).verdict is Verdict.PASSED
    assert judged(boxes, fewer, Precision.FP16, **as_boxes).verdict is Verdict.PASSED
    exact = judged(fewer, boxes, Precision.FP32, **as_boxes)
    assert exact.verdict is Verdict.FAILED
    assert "2 of 100 rows have no equal (0 allowed)" in exact.reason
    assert judged(fewer[:90], boxes, Precision.FP16, **as_boxes).verdict is Verdict.FAILED
    assert judged(boxes[:, :5], boxes, Precision.FP16, **as_boxes).verdict is Verdict.FAILED


def test_boxes_under_a_statistic_count_only_what_is_missing() -> None:
    boxes = np.random.default_rng(2).random((100, 6)) * 100
    output = boxes.copy()
    output[0, 0] += 5
    told = {"comparators": {"": Comparator.BOXES}, "statistic": Statistic.MEAN}
    assert judged(output, boxes, Precision.FP32, **told).verdict is Verdict.PASSED
    assert judged(output[1:], boxes, Precision.FP32, **told).verdict is Verdict.FAILED


def test_the_policy_may_only_speak_of_outputs_that_exist() -> None:
    with pytest.raises(Invalid, match="'z', which does not exist"):
        judged(RIGHT, atol={"z": 1.0})
