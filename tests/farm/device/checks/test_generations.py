from __future__ import annotations

import pytest

from farm.device.checks.generations import numbers, nvcc_problem, tensorrt_problem


@pytest.mark.parametrize(
    ("card", "version", "fits"),
    [
        ("7.0", "8.5.3.1", True),
        ("7.0", "10.4.0", True),
        ("7.0", "10.5.0", False),
        ("7.0", "11.1.0.106", False),
        ("7.2", "8.5.2.2", True),
        ("7.2", "8.6.2", False),
        ("7.5", "11.4.0.106", True),
        ("8.9", "8.5.3.1", True),
        ("9.0", "8.5.3.1", True),
        ("12.0", "10.7.0", False),
        ("12.0", "10.8.0", True),
    ],
)
def test_which_tensorrt_builds_for_which_card(card: str, version: str, fits: bool) -> None:
    assert (tensorrt_problem(card, version) is None) == fits


@pytest.mark.parametrize(
    ("card", "nvcc", "fits"),
    [("7.0", "12.9.86", True), ("7.0", "13.0.88", False), ("7.2", "13.0.88", False), ("7.5", "13.0.88", True)],
)
def test_which_nvcc_compiles_for_which_card(card: str, nvcc: str, fits: bool) -> None:
    assert (nvcc_problem(card, nvcc) is None) == fits


def test_a_version_ends_where_its_numbers_end() -> None:
    assert numbers("8.5.2.2") == (8, 5, 2, 2)
    assert numbers("10.4.0rc1") == (10, 4)
    assert numbers("") == ()
