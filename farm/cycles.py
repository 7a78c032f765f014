"""How often Python looks for garbage in cycles: seldom, since ours makes hardly any."""

from __future__ import annotations

import gc


def collect_seldom() -> None:
    """Look for cycles after tens of thousands of new values instead of hundreds.

    Loading modules makes many values and no garbage: looking through them is a sixth of the time of a short command,
    and a list of a thousand devices would be held up by it for tens of milliseconds.
    """
    gc.set_threshold(50_000, 20, 100)


def end_quickly() -> None:
    """Spare the interpreter its last looks for cycles: the process ends, and all of its memory with it."""
    gc.freeze()
