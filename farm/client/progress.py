"""What a long transfer tells while it runs."""

from __future__ import annotations

from typing import Callable, NamedTuple, Optional


class Transfer(NamedTuple):
    """One file on its way. `verb` is `hash`, `upload` or `download`; a file ends with `done_bytes == total_bytes`."""

    verb: str
    name: str
    done_bytes: int
    total_bytes: int


Progress = Callable[[Transfer], None]


def quiet(transfer: Transfer) -> None:
    """Tell nobody."""


def or_quiet(progress: Optional[Progress]) -> Progress:
    """The given one, or `quiet`."""
    return progress or quiet
