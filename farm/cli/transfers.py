"""Files on their way: bars on a terminal, a line for each large file otherwise."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, Optional, Tuple

from .console import console, say, watched
from .format import duration, size

if TYPE_CHECKING:
    from farm.client import Progress, Transfer

# What is over sooner than one can look is not shown.
_WORTH_SHOWING_BYTES = 8 << 20
_LINE_EACH_S = 10.0
_DOING = {"hash": "hashing", "upload": "uploading", "download": "downloading"}
_DONE = {"upload": "uploaded", "download": "downloaded"}


@contextmanager
def transfers() -> Iterator[Progress]:
    """What to give a client as `progress`; large files are shown while they move."""
    shown: Any = _Bars() if watched() else _Lines(say)
    try:
        yield shown.tell
    finally:
        shown.close()


class _Bars:
    """A rich progress display that starts with the first file worth showing."""

    def __init__(self) -> None:
        self._display: Optional[Any] = None
        self._tasks: Dict[Tuple[str, str], Any] = {}

    def tell(self, transfer: Transfer) -> None:
        if transfer.total_bytes < _WORTH_SHOWING_BYTES:
            return
        display = self._started()
        task = (transfer.verb, transfer.name)
        if task not in self._tasks:
            doing = f"{_DOING[transfer.verb]} {transfer.name}"
            self._tasks[task] = display.add_task(doing, total=transfer.total_bytes)
        display.update(self._tasks[task], completed=transfer.done_bytes)

    def close(self) -> None:
        if self._display is not None:
            self._display.stop()

    def _started(self) -> Any:
        if self._display is None:
            from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
            from rich.progress import TransferSpeedColumn as SpeedColumn

            columns = (
                TextColumn("{task.description}"),
                BarColumn(bar_width=30, style="dim", complete_style="cyan", finished_style="dim cyan"),
                DownloadColumn(binary_units=True),
                SpeedColumn(),
                TimeRemainingColumn(),
            )
            self._display = Progress(*columns, console=console(sys.stderr), transient=True)
            self._display.start()
        return self._display


class _Lines:
    """A line when a large file has arrived, and now and then before."""

    def __init__(self, say_line: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say_line
        self._clock = clock
        self._begun: Dict[Tuple[str, str], float] = {}
        self._told: Dict[Tuple[str, str], float] = {}

    def tell(self, transfer: Transfer) -> None:
        if transfer.verb not in _DONE or transfer.total_bytes < _WORTH_SHOWING_BYTES:
            return
        file, now = (transfer.verb, transfer.name), self._clock()
        begun = self._begun.setdefault(file, now)
        last = self._told.setdefault(file, begun)
        if transfer.done_bytes >= transfer.total_bytes:
            if last != float("inf"):
                self._say(
                    f"{_DONE[transfer.verb]} {transfer.name} ({size(transfer.total_bytes)}, {duration(now - begun)})"
                )
            self._told[file] = float("inf")
        elif now - last >= _LINE_EACH_S:
            percent = 100 * transfer.done_bytes // transfer.total_bytes
            self._say(f"{_DOING[transfer.verb]} {transfer.name}: {percent} % of {size(transfer.total_bytes)}")
            self._told[file] = now

    def close(self) -> None:
        """Nothing is open."""
