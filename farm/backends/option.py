"""One option that a backend takes by its own name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Tuple

from farm.protocol.options import Precision


@dataclass(frozen=True)
class Option:
    """What one version of a backend makes of an option.

    Attributes:
        allowed: The values it may have, in words.
        accepts: True for such a value.
        only_for: The precisions that use it; empty where all do.
        absent: Why this version has no such option, as the second half of a sentence; empty where it has it.
    """

    allowed: str
    accepts: Callable[[Any], bool]
    only_for: Tuple[Precision, ...] = ()
    absent: str = ""


def one_of(words: Tuple[str, ...], *only_for: Precision) -> Option:
    """One of these words."""
    return Option("one of " + ", ".join(words), lambda value: value in words, only_for)


def switch(*only_for: Precision) -> Option:
    """On or off."""
    return Option("true or false", lambda value: type(value) is bool, only_for)


def whole(lowest: int, highest: int, meaning: str = "") -> Option:
    """A whole number within bounds; `meaning` says what one of them means."""
    return Option(
        f"a whole number from {lowest}{f' ({meaning})' if meaning else ''} to {highest}",
        lambda value: type(value) is int and lowest <= value <= highest,
    )


def read(allowed: str, parse: Callable[[str], Any]) -> Option:
    """A text that `parse` can read: it raises ValueError for any other."""

    def accepts(value: Any) -> bool:
        if type(value) is not str:
            return False
        try:
            parse(value)
        except ValueError:
            return False
        return True

    return Option(allowed, accepts)
