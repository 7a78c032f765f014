"""How far a verb is with many things: a bar on a terminal, and nothing elsewhere."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import Any, Callable, Iterator, Optional

from .console import console, watched

# What was done, and how much more that is than before.
Tell = Callable[[str, int], None]


@contextmanager
def counting(total: Optional[int]) -> Iterator[Tell]:
    """What to call with each thing that is done; on a terminal a bar shows it while the block lasts.

    Args:
        total: How many there are; None where nobody knows.
    """
    if not watched():
        yield lambda name, count: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns: Any = (
        BarColumn(bar_width=30, style="dim", complete_style="cyan", finished_style="dim cyan"),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console(sys.stderr), transient=True) as display:
        bar = display.add_task("", total=total)
        yield lambda name, count: display.update(bar, advance=count, description=name)
