"""The command in a process of its own: with pipes, and in a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

ROOT = Path(__file__).parents[3]
# As a terminal starts it: a run in the background of a script ignores SIGINT, and so would what it starts.
_HEARS_SIGINT = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)"


class Result(NamedTuple):
    """What a command line came to."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> List[str]:
        """Of standard output."""
        return self.out.splitlines()


def start(*arguments: object, python: str = "", **options: Any) -> subprocess.Popen[str]:
    """The command in a process of its own; `python` is run before it."""
    code = f"{_HEARS_SIGINT}\n{python}\nimport sys\nfrom farm.cli.main import main\nmain()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})},
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )


def completed(*arguments: object, within_s: float = 60, **options: Any) -> Result:
    """What the command came to in a process with pipes."""
    with start(*arguments, **options) as child:
        out, err = child.communicate(timeout=within_s)
    return Result(child.returncode, out, err)


def in_terminal(
    *arguments: object, typed: Sequence[str] = (), env: Optional[Dict[str, str]] = None, silent_s: float = 30
) -> Result:
    """What the command showed in a terminal of its own; each typed text answers one prompt."""
    parent, inside = pty.openpty()
    terminal: Dict[str, Any] = {"stdin": inside, "stdout": inside, "stderr": inside, "preexec_fn": _own_terminal}
    with start(*arguments, env=env or {}, **terminal) as child:
        os.close(inside)
        seen, waiting = b"", list(typed)
        while select.select([parent], [], [], silent_s)[0]:
            try:
                seen += os.read(parent, 65536)
            except OSError:
                break
            # A prompt is complete with its blank: what is typed before is thrown away.
            if waiting and seen.endswith(b": "):
                os.write(parent, waiting.pop(0).encode())
        try:
            child.wait(30)
        finally:
            child.kill()
    os.close(parent)
    return Result(child.returncode, seen.decode("utf-8", "replace"), "")


def _own_terminal() -> None:
    """Make standard input the terminal that `/dev/tty` stands for: a hidden prompt is read from there."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
