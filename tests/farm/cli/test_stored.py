"""Completion of names that a coordinator has stored, as a real bash does it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest

from ..double import TOKEN, Double
from ..samples import device_view, engine_detail
from .conftest import Farm
from .processes import ROOT

# What bash does at a Tab: it splits the line, calls the function, and takes what it leaves.
_TAB = """
eval "$(farm completion bash)"
COMP_LINE=$1; COMP_POINT=${#1}
read -ra COMP_WORDS <<< "$1"; [[ $1 == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_farm_completion farm "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


class Shell:
    """A bash that has `farm`, with an environment of its own."""

    def __init__(self, folder: Path, environ: Dict[str, str]) -> None:
        self.environ = {**environ, "PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
        command = folder / "farm"
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "from farm.cli.main import main; main()" "$@"\n')
        command.chmod(0o755)

    def tab(self, line: str, **environ: str) -> List[str]:
        """What bash offers at the end of a line. Nothing may be said beside it."""
        done = subprocess.run(
            ["bash", "--norc", "-c", _TAB, "bash", line],
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.stderr == ""
        return sorted(done.stdout.split())


@pytest.fixture
def shell(tmp_path: Path, environ: Dict[str, str], double: Double) -> Shell:
    if shutil.which("bash") is None:
        pytest.skip("no bash here: completion is NOT tested")
    double.engines["eng-1"] = engine_detail("eng-1")
    double.engines["eng-2"] = engine_detail("eng-2")
    double.devices["xavier-1"] = device_view("xavier-1")
    return Shell(tmp_path, {**environ, "FARM_URL": double.url, "FARM_TOKEN": TOKEN})


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("farm engines show ", ["eng-1", "eng-2"]),
        ("farm engines pin eng-1 ", ["eng-1", "eng-2"]),
        ("farm compare eng-", ["eng-1", "eng-2"]),
        ("farm key eng-2", ["eng-2"]),
        ("farm fetch n", ["net"]),
        ("farm models ", ["net"]),
        ("farm engines list --model ", ["net"]),
        ("farm devices show xav", ["xavier-1"]),
        ("farm fetch net --device xav", ["xavier-1"]),
        ("farm submit m.onnx --targets xavier-", ["xavier-1"]),
        ("farm plan m.onnx -t cpu,xavier-", ["cpu,xavier-1"]),
        ("farm engines show nothing", []),
        ("farm engi", ["engines"]),
    ],
)
def test_bash_offers_what_is_stored(shell: Shell, line: str, offered: List[str]) -> None:
    assert shell.tab(line) == offered


def test_submissions_and_targets_are_offered(shell: Shell, farm: Farm, model: Path) -> None:
    farm("submit", model, "-t", "cpu")
    for line in ("farm status ", "farm logs s", "farm cancel ", "farm retry ", "farm results ", "farm submit --clone "):
        assert shell.tab(line) == ["s1"], line
    assert "cpu" in shell.tab("farm submit m.onnx --targets ")


def test_flags_and_the_file_say_where_as_for_any_verb(shell: Shell, double: Double) -> None:
    away = {"FARM_URL": "http://127.0.0.1:9", "FARM_TOKEN": "other"}
    assert shell.tab("farm engines show ", **away) == []
    assert shell.tab(f"farm --url {double.url} --token {TOKEN} fetch ", **away) == ["net"]


@pytest.mark.parametrize("environ", [{"FARM_URL": ""}, {"FARM_TOKEN": "wrong"}, {"FARM_URL": "no url"}])
def test_without_a_coordinator_nothing_is_offered_and_nothing_said(shell: Shell, environ: Dict[str, str]) -> None:
    assert shell.tab("farm fetch ", **environ) == []


@pytest.fixture
def deaf() -> Iterator[str]:
    """The URL of something that takes calls and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_coordinator_that_does_not_answer_is_not_waited_for(deaf: str, monkeypatch: Any) -> None:
    import click

    from farm.cli.main import cli
    from farm.cli.stored import MODELS, stored

    monkeypatch.setenv("FARM_URL", deaf)
    monkeypatch.setenv("FARM_TOKEN", "x")
    context = click.Context(cli)
    began_s = time.monotonic()
    assert stored(MODELS)(context, cli.params[0], "") == []
    # Half a second, and what a busy machine adds; the client of every other verb would wait for thirty.
    assert 0.4 <= time.monotonic() - began_s < 5.0
