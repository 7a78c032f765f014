from __future__ import annotations

import pytest

from orchestrator.pages import wording


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (None, "–"),
        (-1.0, "0 ms"),
        (0.0421, "42 ms"),
        (0.9996, "1.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min 0 s"),
        (200, "3 min 20 s"),
        (5 * 3600 + 12 * 60, "5 h 12 min"),
        (76 * 3600, "3 d 4 h"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds: float | None, told: str) -> None:
    assert wording.duration(seconds) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(None, "never"), (0.4, "now"), (1, "1 s"), (59.9, "59 s"), (60, "1 min"), (7199, "1 h"), (3 * 86400, "3 d")],
)
def test_an_age_has_one_unit(seconds: float | None, told: str) -> None:
    assert wording.age(seconds) == told


@pytest.mark.parametrize(
    ("count", "told"),
    [(None, "–"), (0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (150109880320, "140 GiB"), (2**50, "1024 TiB")],
)
def test_a_size_has_a_whole_part(count: float | None, told: str) -> None:
    assert wording.size(count) == told


def test_moments_are_utc_and_ages_count_from_the_coordinators_clock() -> None:
    at = "2026-01-31T23:59:59.500Z"
    assert wording.moment(at) == "2026-01-31 23:59:59"
    assert wording.seconds_since(at, 1769904000.0) == pytest.approx(0.5)
    assert wording.seconds_since(at, 0.0) == 0.0, "a clock that is behind makes nothing younger than now"
    assert wording.seconds_since(None, 0.0) is None


def test_words_of_numbers() -> None:
    assert [wording.milliseconds(value) for value in (None, 0.7421, 4.236, 184.04)] == ["–", "0.742", "4.24", "184.0"]
    assert [wording.counted(number, "device") for number in (0, 1, 1200)] == ["0 devices", "1 device", "1,200 devices"]
    assert wording.sentence("the parser refused it") == "The parser refused it."
    assert wording.sentence("") == ""


def test_what_is_now_is_not_ago() -> None:
    assert [wording.ago(seconds) for seconds in (None, 0.2, 75)] == ["never", "now", "1 min ago"]
