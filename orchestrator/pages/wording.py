"""Numbers and moments as people read them; the filters of the templates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

_DASH = "–"
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400


def duration(seconds: float | None) -> str:
    """`840 ms`, `4.2 s`, `3 min 20 s`, `5 h 12 min`, `3 d 4 h`."""
    if seconds is None:
        return _DASH
    seconds = max(0.0, seconds)
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min {whole % _MINUTE_S} s"
    if whole < _DAY_S:
        return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S} min"
    return f"{whole // _DAY_S} d {whole % _DAY_S // _HOUR_S} h"


def age(seconds: float | None) -> str:
    """How long ago something was, in one unit: `now`, `12 s`, `3 min`, `5 h`, `3 d`."""
    if seconds is None:
        return "never"
    for unit, length_s in (("d", _DAY_S), ("h", _HOUR_S), ("min", _MINUTE_S), ("s", 1)):
        if seconds >= length_s:
            return f"{int(seconds // length_s)} {unit}"
    return "now"


def ago(seconds: float | None) -> str:
    """`now`, `12 s ago`, `never`."""
    told = age(seconds)
    return told if told in ("now", "never") else f"{told} ago"


def size(count: float | None) -> str:
    """Bytes in the largest unit that leaves a whole part: `1.5 GiB`."""
    if count is None:
        return _DASH
    power = 0
    while count >= 1024 and power < len(_UNITS) - 1:
        count, power = count / 1024, power + 1
    return f"{count:.0f} {_UNITS[power]}" if not power or count >= 99.95 else f"{count:.1f} {_UNITS[power]}"


def milliseconds(value: float | None) -> str:
    """A latency with three digits that say something: `0.742`, `12.4`, `184`; its unit stands in the head."""
    if value is None:
        return _DASH
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def moment(text: str | None) -> str:
    """A moment of a view, `2026-01-31T23:59:59.123Z`, as `2026-01-31 23:59:59`; always UTC."""
    return _DASH if text is None else text[:19].replace("T", " ")


def instant(at: float) -> str:
    """A moment in seconds since the epoch as `2026-01-31 23:59:59`, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def day(at: float) -> str:
    """The day of a moment in seconds since the epoch, in UTC: `2026-01-31`."""
    return instant(at)[:10]


def seconds_since(text: str | None, now: float) -> float | None:
    """How long ago a moment of a view was, for a clock in seconds since the epoch."""
    if text is None:
        return None
    return max(0.0, now - datetime.fromisoformat(text).astimezone(UTC).timestamp())


def counted(number: int, one: str, many: str = "") -> str:
    """`1 device`, `2 devices`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def sentence(text: str) -> str:
    """What an error says, as a sentence of a page."""
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "." if text else ""


def short(digest: str) -> str:
    """A digest by as much as people compare."""
    return digest[:12]


_FILTERS = (duration, age, ago, size, milliseconds, moment, seconds_since, instant, day, counted, sentence, short)
FILTERS: dict[str, Callable[..., Any]] = {item.__name__: item for item in _FILTERS}
