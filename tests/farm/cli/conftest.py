"""The command in this process against the double, and in a process of its own."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

import pytest

from farm.cli.main import run

from ..double import TOKEN, Double

ROOT = Path(__file__).parents[3]


class Result(NamedTuple):
    """What a command line came to."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> List[str]:
        """Of standard output."""
        return self.out.splitlines()


Farm = Callable[..., Result]


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dict[str, str]:
    """An environment without any setting of the farm, in a home of its own."""
    for name in [name for name in os.environ if name.startswith("FARM_")]:
        monkeypatch.delenv(name)
    changes = {"HOME": str(tmp_path / "home"), "NO_COLOR": "1", "COLUMNS": "100"}
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    return changes


@pytest.fixture
def farm(environ: Dict[str, str], double: Double, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> Farm:
    """Run the command in this process, against the double."""
    monkeypatch.setenv("FARM_URL", double.url)
    monkeypatch.setenv("FARM_TOKEN", TOKEN)

    def call(*arguments: object) -> Result:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        told = capsys.readouterr()
        return Result(code, told.out, told.err)

    return call


def start(*arguments: object, python: str = "", **options: Any) -> subprocess.Popen[str]:
    """The command in a process of its own; `python` is run before it."""
    code = f"{python}\nimport sys\nfrom farm.cli.main import main\nmain()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})},
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )


@pytest.fixture
def process(environ: Dict[str, str]) -> Farm:
    """Run the command in a process of its own, without a coordinator unless the environment names one."""

    def call(*arguments: object, **options: Any) -> Result:
        with start(*arguments, **options) as child:
            out, err = child.communicate(timeout=60)
        return Result(child.returncode, out, err)

    return call


def _own_terminal() -> None:
    """Make standard input the terminal that `/dev/tty` stands for: a hidden prompt is read from there."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
def pty_farm(environ: Dict[str, str]) -> Farm:
    """Run the command in a terminal of its own, 100 columns wide; each typed text answers one prompt."""

    def call(*arguments: object, typed: Sequence[str] = (), env: Optional[Dict[str, str]] = None) -> Result:
        parent, inside = pty.openpty()
        terminal: Dict[str, Any] = {"stdin": inside, "stdout": inside, "stderr": inside, "preexec_fn": _own_terminal}
        with start(*arguments, env=env or {}, **terminal) as child:
            os.close(inside)
            seen, waiting = b"", list(typed)
            while select.select([parent], [], [], 30)[0]:
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

    return call
