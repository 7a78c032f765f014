"""The command in this process against the double, and in a process of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Callable, Dict

import pytest

from farm.cli.main import run

from ..double import TOKEN, Double
from .processes import Result, completed, in_terminal

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


@pytest.fixture
def process(environ: Dict[str, str]) -> Farm:
    """Run the command in a process of its own, without a coordinator unless the environment names one."""
    return completed


@pytest.fixture
def pty_farm(environ: Dict[str, str]) -> Farm:
    """Run the command in a terminal of its own, 100 columns wide; each typed text answers one prompt."""
    return in_terminal
