"""What somebody may have meant."""

from __future__ import annotations

from typing import List

import pytest

from farm.cli.nearness import near, or_else

OPTIONS = ["--targets", "--calib", "--iterations", "--int8", "--minShapes", "--min-shapes", "--fp16", "--loadInputs"]
OPTIONS += ["--loadRefOutputs", "--timeout", "--warmUp", "-o"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("--calibrationdata", ["--calib"]),
        ("--calibration-data", ["--calib"]),
        ("--target", ["--targets"]),
        ("--tragets", ["--targets"]),
        ("--min_shapes", ["--minShapes"]),
        ("--warmup", ["--warmUp"]),
        ("--f16", ["--fp16"]),
        ("--load", ["--loadInputs", "--loadRefOutputs"]),
        ("--in", []),
        ("--verbose", []),
    ],
)
def test_names_that_begin_alike_or_are_spelled_alike_are_near(typed: str, meant: List[str]) -> None:
    assert near(typed, OPTIONS) == meant


def test_the_question_names_them() -> None:
    assert or_else([]) == ""
    assert or_else(["--calib"]) == "; did you mean '--calib'?"
    assert or_else(["a", "b"]) == "; did you mean 'a' or 'b'?"
