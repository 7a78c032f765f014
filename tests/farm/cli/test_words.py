"""The little languages inside option values."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.cli import words
from farm.protocol.errors import Invalid
from farm.protocol.options import Comparator


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["xavier"], ("xavier",)),
        (["xavier,v100"], ("xavier", "v100")),
        (["xavier", "v100,xavier"], ("xavier", "v100")),
        (["sm>=80,mem>=16GiB"], ("sm>=80,mem>=16GiB",)),
        (["xavier, sm>=80 , mem>=16GiB,v100"], ("xavier", "sm>=80,mem>=16GiB", "v100")),
        (["sm>=80", "mem>=16GiB"], ("sm>=80", "mem>=16GiB")),
        (["name~h200,cpu,sm=87,os!=ubuntu"], ("name~h200", "cpu", "sm=87,os!=ubuntu")),
        ([], ()),
    ],
)
def test_neighbours_that_compare_are_one_filter(values: List[str], expected: Tuple[str, ...]) -> None:
    assert words.split_targets(values) == expected


@pytest.mark.parametrize("value", ["", "a,,b", ",a", "a, "])
def test_an_empty_target_is_refused(value: str) -> None:
    with pytest.raises(Invalid, match="empty word"):
        words.split_targets([value])


@given(st.lists(st.sampled_from(["xavier", "v100", "sm>=80", "mem>=16GiB", "cpu"]), min_size=1, max_size=8))
def test_no_part_of_the_targets_is_lost(items: List[str]) -> None:
    assert set(",".join(words.split_targets([",".join(items)])).split(",")) == set(items)


def test_pairs_keep_what_follows_the_first_equals_sign() -> None:
    assert words.pairs("--tag", ["a=b=c", "d= e "], str) == {"a": "b=c", "d": "e"}
    assert words.pairs("--range", ["x=-1,2.5"], words.number_range) == {"x": (-1.0, 2.5)}


@pytest.mark.parametrize(("text", "read"), [("a", str), ("=b", str), ("a=b", float), ("x=2,1", words.number_range)])
def test_pairs_that_cannot_be_read_are_refused(text: str, read: Any) -> None:
    with pytest.raises(Invalid, match="--x"):
        words.pairs("--x", [text], read)


def test_options_of_a_backend_are_json_where_they_can_be() -> None:
    found = words.pairs("--option", ["level=5", "fast=true", "name=a b", "list=[1,2]"], words.plain_json)
    assert found == {"level": 5, "fast": True, "name": "a b", "list": [1, 2]}


def test_tolerances_are_for_all_outputs_or_for_one() -> None:
    assert words.tolerances("--atol", ["1e-3", "y:1e-2,z:0:0.5"]) == {"": 1e-3, "y": 1e-2, "z:0": 0.5}


@pytest.mark.parametrize("text", ["x", "y:x", "-1", "nan", "inf", "y:"])
def test_what_is_no_tolerance_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="not a tolerance"):
        words.tolerances("--rtol", [text])


def test_comparators_belong_to_outputs() -> None:
    assert words.comparators(["a:sorted,b:boxes"]) == {"a": Comparator.SORTED, "b": Comparator.BOXES}
    for text in ("sorted", "a:other"):
        with pytest.raises(Invalid, match="not a comparator"):
            words.comparators([text])


@pytest.mark.parametrize(("text", "expected"), [("90", 90), ("1.5s", 1.5), ("15m", 900), ("2h", 7200), ("1d", 86400)])
def test_times_have_units(text: str, expected: float) -> None:
    assert words.seconds("--timeout", text) == expected


@pytest.mark.parametrize("text", ["", "m", "1 hour", "-5", "1y"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="not a time"):
        words.seconds("--timeout", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2h", "2026-01-02T01:04:05Z"),
        ("2026-01-01T12:00Z", "2026-01-01T12:00:00Z"),
        ("2026-01-01T12:00+02:00", "2026-01-01T10:00:00Z"),
    ],
)
def test_moments_are_told_in_utc(text: str, expected: str) -> None:
    assert words.moment("--since", text, lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)) == expected
    with pytest.raises(Invalid, match="not a moment"):
        words.moment("--since", "yesterday")


def test_percentages() -> None:
    assert (words.percent("--x", "5%"), words.percent("--x", "2.5")) == (5.0, 2.5)
    for text in ("five", "-1%", "nan"):
        with pytest.raises(Invalid, match="not a percentage"):
            words.percent("--x", text)
