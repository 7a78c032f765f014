"""The little languages inside option values: targets, pairs, tolerances, durations."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Dict, Iterable, List, Tuple, TypeVar

from farm.protocol.errors import Invalid
from farm.protocol.options import Comparator

T = TypeVar("T")

_COMPARES = re.compile(r"[<>=!~]")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d|w)?")
_SECONDS = {None: 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def split_targets(values: Iterable[str]) -> Tuple[str, ...]:
    """Target words: separated by commas, but neighbours that hold a comparison are one filter.

    `xavier,sm>=80,mem>=16GiB,v100` is `xavier`, `sm>=80,mem>=16GiB`, `v100`. Two filters are two options.

    Raises: Invalid: a word is empty.
    """
    words: List[str] = []
    for value in values:
        open_filter = False
        for item in (part.strip() for part in value.split(",")):
            if not item:
                raise Invalid(f"--targets {value!r} holds an empty word", "Write --targets xavier,v100.")
            compares = bool(_COMPARES.search(item))
            if compares and open_filter:
                words[-1] += "," + item
            else:
                words.append(item)
            open_filter = compares
    return tuple(dict.fromkeys(words))


def split_names(values: Iterable[str]) -> Tuple[str, ...]:
    """Names separated by commas; empty ones do not count."""
    return tuple(item.strip() for value in values for item in value.split(",") if item.strip())


def pairs(option: str, values: Iterable[str], read: Callable[[str], T], written: str = "name=1.5") -> Dict[str, T]:
    """`name=value` to a dictionary; the last of one name wins.

    Raises: Invalid: no `=`, or `read` raises ValueError.
    """
    found = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise Invalid(f"{option} {text!r} is not name=value", f"Write {option} name=value.")
        try:
            found[name.strip()] = read(value.strip())
        except ValueError:
            raise Invalid(f"{option} {text!r} has a value that cannot be read", f"Write {option} {written}.") from None
    return found


def number_range(text: str) -> Tuple[float, float]:
    """`lo,hi` with lo ≤ hi.

    Raises: ValueError
    """
    low, high = (float(part) for part in text.split(","))
    if not low <= high:
        raise ValueError(text)
    return low, high


def plain_json(text: str) -> Any:
    """The JSON value that a text spells, else the text itself: `5` is a number, `true` a truth value."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def tolerances(option: str, values: Iterable[str]) -> Dict[str, float]:
    """`1e-3` for all outputs (under the name `""`) and `name:1e-3` for one; several by commas.

    Raises: Invalid
    """
    found = {}
    for text in split_names(values):
        name, _, value = text.rpartition(":")
        try:
            found[name] = float(value)
        except ValueError:
            raise Invalid(
                f"{option} {text!r} is not a tolerance", f"Write {option} 1e-3 or {option} name:1e-3."
            ) from None
        if not 0 <= found[name] < float("inf"):
            raise Invalid(f"{option} {text!r} is not a tolerance", "Give a finite number that is not negative.")
    return found


def comparators(values: Iterable[str]) -> Dict[str, Comparator]:
    """`name:sorted` or `name:boxes`; several by commas.

    Raises: Invalid
    """
    found = {}
    for text in split_names(values):
        name, colon, word = text.rpartition(":")
        if not colon or word not in {str(item) for item in Comparator}:
            raise Invalid(f"--compare {text!r} is not a comparator", "Write --compare name:sorted or name:boxes.")
        found[name] = Comparator(word)
    return found


def seconds(option: str, text: str) -> float:
    """`90`, `90s`, `15m`, `2h`, `7d` in seconds.

    Raises: Invalid
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise Invalid(f"{option} {text!r} is not a time", "Write 90s, 15m, 2h or 7d.")
    return float(match.group(1)) * _SECONDS[match.group(2)]


def moment(option: str, text: str, now: Callable[[], datetime] = lambda: datetime.now(timezone.utc)) -> str:
    """A moment in ISO-8601 and UTC: given so, or as the time since then, such as `2h`.

    Raises: Invalid
    """
    if _DURATION.fullmatch(text.strip()):
        then = now() - timedelta(seconds=seconds(option, text))
    else:
        try:
            then = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
        except ValueError:
            raise Invalid(f"{option} {text!r} is not a moment", "Write 2026-01-31, 2026-01-31T12:00Z or 2h.") from None
    return then.astimezone(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")


def percent(option: str, text: str) -> float:
    """`5%` or `5` as 5.0.

    Raises: Invalid
    """
    try:
        value = float(text.strip().rstrip("%"))
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise Invalid(f"{option} {text!r} is not a percentage", f"Write {option} 5%.")
    return value
