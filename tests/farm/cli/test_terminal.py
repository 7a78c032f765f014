"""What a person sees: tables, live stages and bars on a real pseudo-terminal, plain text in a pipe."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import List

import pytest

from farm.cli.console import columns, plain_table
from farm.cli.format import Cell
from farm.cli.transfers import _Lines
from farm.cli.watching import stage_bar
from farm.client import Transfer
from farm.protocol.model import FileRef
from farm.protocol.states import State

from ..double import TOKEN, Double
from .conftest import Farm
from .engines import store

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def shown(told: str) -> List[str]:
    """The lines of a terminal's output, without what moves its cursor."""
    return [line.rstrip() for line in _ESCAPES.sub("", told).replace("\r", "").splitlines()]


@pytest.fixture
def env(double: Double) -> dict[str, str]:
    """The double as coordinator, in colour."""
    return {"FARM_URL": double.url, "FARM_TOKEN": TOKEN, "TERM": "xterm-256color", "NO_COLOR": ""}


def test_a_table_has_a_rule_and_colours_in_a_terminal(pty_farm: Farm, env: dict[str, str]) -> None:
    told = pty_farm("devices", env=env)
    lines = shown(told.out)
    assert lines[0].split()[:3] == ["DEVICE", "STATE", "ROLES"]
    assert set(lines[1]) == {"─"}
    assert "\x1b[32midle" in told.out


def test_no_colour_when_nobody_wants_it(pty_farm: Farm, env: dict[str, str]) -> None:
    assert "\x1b[32m" not in pty_farm("devices", env={**env, "NO_COLOR": "1"}).out


def test_words_are_not_broken_in_a_narrow_terminal(pty_farm: Farm, env: dict[str, str]) -> None:
    lines = shown(pty_farm("engines", env={**env, "COLUMNS": "80"}).out)
    assert lines[0].split()[-2:] == ["SIZE", "BUILT"]
    assert "1.25 ms" in lines[2]
    assert max(map(len, lines)) <= 80


def test_stages_are_live_in_a_terminal(pty_farm: Farm, env: dict[str, str], model: Path) -> None:
    told = pty_farm("submit", model, "-t", "cpu,broken", "--wait", env=env)
    assert told.code == 1
    lines = shown(told.out)
    assert any(line.split()[:3] == ["TARGET", "STATE", "STAGES"] for line in lines)
    assert any(line.split()[:3] == ["cpu", "done", "passed"] for line in lines)


def test_a_large_download_has_a_bar(pty_farm: Farm, env: dict[str, str], double: Double, tmp_path: Path) -> None:
    content = bytes(32 << 20)
    made = store(double)
    big = FileRef("weights.bin", len(content), double.store(content))
    detail = double.engines["eng-1"]
    double.engines["eng-1"] = replace(detail, manifest=replace(detail.manifest, files=(*made.files, big)))
    told = pty_farm("fetch", "net", "-o", tmp_path / "net", env=env)
    assert told.code == 0, told.out
    assert "downloading weights.bin" in told.out


def test_a_large_upload_has_a_bar(pty_farm: Farm, env: dict[str, str], model: Path) -> None:
    # A description of 16 MiB: tag, length, bytes.
    model.write_bytes(model.read_bytes() + b"\x32\x80\x80\x80\x08" + bytes(16 << 20))
    told = pty_farm("submit", model, "-t", "cpu", env=env)
    assert told.code == 0, told.out
    assert "uploading net.onnx" in told.out


def test_a_large_upload_is_a_line_in_a_pipe(process: Farm, env: dict[str, str], model: Path) -> None:
    model.write_bytes(model.read_bytes() + b"\x32\x80\x80\x80\x08" + bytes(16 << 20))
    told = process("submit", model, "-t", "cpu", env=env)
    assert told.code == 0
    assert told.err.splitlines()[0].startswith("uploaded net.onnx (16.0 MiB, ")


def test_lines_tell_of_large_files_only_and_now_and_then() -> None:
    said: List[str] = []
    now = [0.0]
    lines = _Lines(said.append, lambda: now[0])
    lines.tell(Transfer("upload", "small", 10, 10))
    for done in (0, 10, 20, 30):
        lines.tell(Transfer("upload", "big", done << 20, 30 << 20))
        now[0] += 6
    lines.tell(Transfer("upload", "big", 30 << 20, 30 << 20))
    assert said == ["uploading big: 66 % of 30.0 MiB", "uploaded big (30.0 MiB, 18 s)"]


def test_a_row_of_a_plain_table_is_one_line() -> None:
    lines = plain_table(columns("name, size>, note~"), [("a", "1 B", Cell("x\ny", "red")), ("bb", "10 B", "")])
    assert lines == ["NAME  SIZE  NOTE", "a      1 B  x, y", "bb    10 B"]


def test_the_stage_bar_grows_with_the_way() -> None:
    way = (State.QUEUED, State.LEASED, State.COMPILING, State.BUILDING, State.VERIFYING, State.BENCHMARKING)
    assert [stage_bar(state).count("●") for state in (*way, State.PUBLISHING)] == [1, 2, 3, 4, 5, 6, 7]
    assert {stage_bar(state) for state in (State.WAITING, State.FAILED, State.CANCELLED)} == {""}
    assert stage_bar(State.CACHED) == stage_bar(State.DONE) == "●●●●●●●"
