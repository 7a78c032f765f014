"""A real process of the farm, that a test may kill, freeze and start again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil

from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
_COMMAND = "from farm.cli.main import main; main()"
_END_S = 30.0


class Process:
    """One verb that serves; `start` may be called again after it ended.

    Args:
        name: Of its log file.
        folder: Where the log lies.
        arguments: Of the `farm` command.
        environ: Added to an environment without settings of ours.
        python: The interpreter.

    Attributes:
        lie: Python that is run in the process before anything of ours.
        inside: What stands before the command, such as a program that runs it elsewhere.
    """

    def __init__(
        self, name: str, folder: Path, arguments: list[str], environ: Mapping[str, str], python: str = sys.executable
    ) -> None:
        self.name = name
        self.lie = ""
        self.inside: tuple[str, ...] = ()
        self.log = folder / f"{name}.log"
        self._python = python
        self._arguments = arguments
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("FARM_", "XDG_"))}
        self.environ = {**kept, "PYTHONPATH": str(ROOT), "HOME": str(folder), **environ}
        self._begin = 0
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        self._begin = len(self.said())
        with self.log.open("ab") as output:
            self._child = subprocess.Popen(
                [*self.inside, self._python, "-c", f"{self.lie}\n{_COMMAND}", *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self.environ,
                cwd=ROOT,
            )

    @property
    def running(self) -> bool:
        """True until it ended."""
        return self._child is not None and self._child.poll() is None

    @property
    def serves(self) -> bool:
        """True once a worker has said so since its last start."""
        return " serves " in self.said()[self._begin :]

    @property
    def pid(self) -> int:
        """Of the process that runs, or ran."""
        assert self._child is not None
        return self._child.pid

    def descendants(self) -> list[psutil.Process]:
        """Every process below it, now."""
        found: list[psutil.Process] = psutil.Process(self.pid).children(recursive=True)
        return found

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, and nobody else."""
        assert self._child is not None
        self._child.send_signal(number)

    def kill(self) -> None:
        """`kill -9`, and proof that nothing of it is left within two seconds."""
        below = self.descendants()
        self.send(signal.SIGKILL)
        self.wait()
        until(lambda: not alive(below), 2.0, f"{self.name} left {alive(below)} behind")

    def end(self) -> int:
        """SIGTERM; its exit status."""
        if self.running:
            self.send(signal.SIGCONT)
            self.send(signal.SIGTERM)
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.send(signal.SIGKILL)
            self.wait()
            raise

    def wait(self) -> int:
        """Its exit status, once it has ended."""
        assert self._child is not None
        return self._child.wait(_END_S)

    def said(self) -> str:
        """Its log."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still run; one that is not yet collected does not."""
    found = []
    for process in processes:
        try:
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found
