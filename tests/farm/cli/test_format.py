"""Numbers and times as people read them."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Optional

import pytest

from farm.cli import format as form

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


@pytest.mark.parametrize(("value", "text"), [(None, "-"), (0.1234, "0.123 ms"), (1.5, "1.50 ms"), (250.4, "250 ms")])
def test_milliseconds(value: Any, text: str) -> None:
    assert form.ms(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 << 30, "5.0 GiB")],
)
def test_sizes(value: Any, text: str) -> None:
    assert form.size(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (0.5, "0.5 s"), (42.4, "42 s"), (61, "1 min 01 s"), (7260, "2 h 01 min")]
)
def test_durations(value: Any, text: str) -> None:
    assert form.duration(value) == text


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (None, "-"),
        ("2026-01-02T03:04:03Z", "now"),
        ("2026-01-02T03:03:05Z", "1m ago"),
        ("2026-01-02T01:04:05", "2h ago"),
        ("2025-12-30T03:04:05Z", "3d ago"),
        ("whenever", "whenever"),
    ],
)
def test_ages(moment: Optional[str], text: str) -> None:
    assert form.age(moment, NOW) == text


def test_rates_and_errors() -> None:
    assert [form.rate(value) for value in (None, 0.5, 12345.6)] == ["-", "0.5 /s", "12,346 /s"]
    assert [form.error(value) for value in (None, 0, 3.46e-7)] == ["-", "0", "3.5e-07"]


def test_known_words_have_their_colour_and_stages_are_at_work() -> None:
    assert [form.word(state).style for state in ("done", "failed", "noisy", "queued", "building", "")] == [
        *("green", "red", "yellow", "dim", "cyan", "")
    ]


def test_a_number_that_noise_withheld_is_called_noisy() -> None:
    assert form.or_noisy(form.ms(None), noisy=True) == form.Cell("noisy", form.WARN)
    assert form.or_noisy(form.ms(None), noisy=False) == "-"
    assert form.or_noisy(form.ms(1.5), noisy=True) == "1.50 ms"
