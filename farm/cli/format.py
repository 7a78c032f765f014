"""Numbers, times and states as people read them."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Dict, NamedTuple, Optional, Union

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_AGES = ((86400.0, "d"), (3600.0, "h"), (60.0, "m"))

# One colour a meaning: good, at work, look here, bad, asleep.
GOOD, ACTIVE, WARN, BAD, DIM = "green", "cyan", "yellow", "red", "dim"
_STYLES: Dict[str, str] = {
    **dict.fromkeys(("done", "cached", "passed", "hit", "idle", "ok", "ready", "promoted"), GOOD),
    **dict.fromkeys(("failed", "quarantined", "gone", "refused", "fail"), BAD),
    **dict.fromkeys(("unverified", "noisy", "late", "draining", "warn", "held"), WARN),
    **dict.fromkeys(("waiting", "queued", "cancelled", "recorded", "retired", "miss", "rolled back", "closed"), DIM),
}


class Cell(NamedTuple):
    """A text with a style that only a terminal shows."""

    text: str
    style: str = ""


CellLike = Union[str, Cell]


def word(state: object) -> Cell:
    """A state, verdict or hit in its colour; what is none of the known ones is at work."""
    text = str(state)
    return Cell(text, _STYLES.get(text, ACTIVE if text else ""))


def or_noisy(number: str, noisy: bool) -> CellLike:
    """A measured number; where there is none since it was too noisy, that word in its place."""
    return word("noisy") if noisy and number == "-" else number


def dim(text: str) -> Cell:
    """A text that matters less."""
    return Cell(text, DIM)


def ms(value: Optional[float]) -> str:
    """Milliseconds with three significant digits."""
    if value is None:
        return "-"
    return f"{value:.3f} ms" if value < 1 else f"{value:.2f} ms" if value < 100 else f"{value:.0f} ms"


def size(value: Optional[int]) -> str:
    """Bytes in a unit that keeps the number short."""
    if value is None:
        return "-"
    amount = float(value)
    for unit in _UNITS:
        if amount < 1024 or unit == _UNITS[-1]:
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"


def rate(value: Optional[float]) -> str:
    """Inferences in a second."""
    return "-" if value is None else f"{value:,.0f} /s" if value >= 100 else f"{value:.3g} /s"


def error(value: Optional[float]) -> str:
    """An error, which matters by its power of ten."""
    return "-" if value is None else "0" if value == 0 else f"{value:.1e}"


def duration(value_s: Optional[float]) -> str:
    """Seconds as a length of time."""
    if value_s is None:
        return "-"
    if value_s < 60:
        return f"{value_s:.1f} s" if value_s < 10 else f"{value_s:.0f} s"
    minutes, seconds = divmod(int(value_s), 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min {seconds:02d} s"


def age(moment: Optional[str], now: Optional[datetime] = None) -> str:
    """How long ago an ISO-8601 moment was."""
    if not moment:
        return "-"
    try:
        then = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    except ValueError:
        return moment
    then = then if then.tzinfo else then.replace(tzinfo=timezone.utc)
    passed_s = ((now or datetime.now(timezone.utc)) - then).total_seconds()
    for unit_s, name in _AGES:
        if passed_s >= unit_s:
            return f"{passed_s / unit_s:.0f}{name} ago"
    return "now" if passed_s < 5 else f"{passed_s:.0f}s ago"


def short(digest: Optional[str]) -> str:
    """The first digits of a digest."""
    return digest[:12] if digest else "-"
