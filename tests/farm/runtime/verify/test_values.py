from __future__ import annotations

import hashlib
from typing import Any, List

import numpy as np

from farm.protocol.options import VerifyPolicy
from farm.protocol.report import Verdict
from farm.protocol.samples import unpack
from farm.runtime.verify.values import ALL, EACH, with_values
from farm.runtime.verify.verdict import judge, unjudged


def kept(outputs: Any) -> Any:
    """The report on outputs that are as they should be, and the values that were kept."""
    stored: List[bytes] = []
    report = with_values(judge(outputs, outputs, VerifyPolicy()), outputs, stored.append)
    if report.values is None:
        assert not stored
        return report, ()
    assert report.values == hashlib.sha256(stored[0]).hexdigest()
    return report, unpack(stored[0])


def test_all_values_of_small_outputs_are_kept_in_their_order() -> None:
    outputs = {
        "b": np.array([[1.5, np.nan], [np.inf, -0.0]], np.float32),
        "half": np.array([0.1], np.float16),
        "ids": np.array([7, 1 << 40]),
        "is": np.array([True, False]),
    }
    report, values = kept(outputs)
    assert [(item.name, item.values) for item in report.outputs] == [("b", 4), ("half", 1), ("ids", 2), ("is", 2)]
    assert values[0] == 1.5
    assert np.isnan(values[1])
    assert values[2:] == (np.inf, -0.0, float(np.float16(0.1)), 7.0, float(1 << 40), 1.0, 0.0)


def test_of_a_large_output_evenly_spaced_values_are_kept() -> None:
    size = 3 * EACH + 1
    report, values = kept({"y": np.arange(size, dtype=np.float32)})
    assert report.outputs[0].values == EACH
    assert values == tuple(float(i * size // EACH) for i in range(EACH))


def test_many_outputs_share_what_there_is_room_for() -> None:
    outputs = {str(number): np.arange(EACH, dtype=np.float32) for number in range(10)}
    report, values = kept(outputs)
    assert {item.values for item in report.outputs} == {ALL // 10}
    assert len(values) <= ALL


def test_what_has_no_values_keeps_none() -> None:
    assert kept({"empty": np.zeros((0, 4), np.float32)})[0].values is None
    report = unjudged(VerifyPolicy(), "nobody knows")
    assert with_values(report, {}, lambda _: None) is report
    assert report.verdict is Verdict.UNVERIFIED
