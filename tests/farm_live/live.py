"""A real coordinator in a process of its own, and the command against it."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from farm.cli.main import run
from tests.farm.cli.processes import ROOT, Result, completed, in_terminal, start
from tests.support.waiting import until

_COMMAND = "from farm.cli.main import main; main()"
_STARTS_S = 60.0
_STOPS_S = 60.0


@dataclass(frozen=True)
class Live:
    """Where a coordinator serves, and who asks it."""

    url: str
    token: str = field(repr=False)
    home: Path

    @property
    def environ(self) -> dict[str, str]:
        """What a shell would have set, and a home of nobody's."""
        home = str(self.home)
        return {"FARM_URL": self.url, "FARM_TOKEN": self.token, "HOME": home, "NO_COLOR": "1", "COLUMNS": "140"}

    def __call__(self, *arguments: object, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Result:
        """Run the command in this process, its output captured. Nothing it says may be a traceback."""
        out, err = io.StringIO(), io.StringIO()
        with _moved({**self.environ, **(env or {})}, cwd or Path()), redirect_stdout(out), redirect_stderr(err):
            code = run([str(argument) for argument in arguments])
        assert "Traceback" not in err.getvalue(), err.getvalue()
        return Result(code, out.getvalue(), err.getvalue())

    def process(self, *arguments: object, **options: Any) -> Result:
        """Run the command in a process of its own, with pipes."""
        return completed(*arguments, env=self.environ, within_s=240, **options)

    def json(self, *arguments: object, code: int = 0) -> Any:
        """The one object that a verb prints with `--json`."""
        told = self(*arguments, "--json")
        assert told.code == code, told.err
        return json.loads(told.out)

    def shown(self, *arguments: object, **env: str) -> Result:
        """Run the command in a terminal."""
        return in_terminal(*arguments, env={**self.environ, **env}, silent_s=120)

    def started(self, *arguments: object, **options: Any) -> subprocess.Popen[str]:
        """The command as a process that one may signal."""
        return start(*arguments, env=self.environ, **options)


@contextmanager
def _moved(environ: Mapping[str, str], cwd: Path) -> Iterator[None]:
    """Another environment and another place for the length of a block."""
    before, place = dict(os.environ), Path.cwd()
    os.environ.update(environ)
    os.chdir(cwd)
    try:
        yield
    finally:
        os.chdir(place)
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def process(*arguments: object, log: Path, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    """A verb that serves until it is terminated."""
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-c", _COMMAND, *map(str, arguments)],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**_without_settings(), **environ},
        )
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(_STOPS_S)
        finally:
            child.kill()


@contextmanager
def farm_up(folder: Path, *flags: str, **environ: str) -> Iterator[Live]:
    """A whole farm as `farm up` starts it, until the end of the block; `environ` is added to its environment."""
    env_file, log, home = folder / "farm.env", folder / "up.log", folder / "home"
    arguments = ["up", "--data", folder / "data", "--port", 0, "--env-file", env_file, *flags]
    with process(*arguments, log=log, HOME=str(home), **environ) as child:
        until(lambda: env_file.exists() or child.poll() is not None, _STARTS_S, "farm up did not serve")
        assert env_file.exists(), log.read_text()[-2000:]
        told = dict(line.split("=", 1) for line in env_file.read_text().splitlines())
        yield Live(told["FARM_URL"], told["FARM_TOKEN"], home)
    assert child.returncode == 0, log.read_text()[-2000:]


def _without_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("FARM_")}
