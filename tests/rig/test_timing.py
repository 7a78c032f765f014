"""Timing caches against real bindings. TensorRT for RTX fills none, but tells what is no cache as TensorRT 10 does.

Without a driver it reads back not even what it wrote: what a merge brings is tried on a card (tests/gpu).
"""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from farm.backends.tensorrt.capabilities import capabilities_of
from farm.backends.tensorrt.logger import Sayings, logger
from farm.protocol.codec import dumps, loads
from farm.protocol.errors import BuildFailed
from farm.protocol.report import Failure
from farm.protocol.target import BuildTarget
from tests.e2e.process import ROOT
from tests.support import models
from worker.child.guard import FAILURE_FILE, SPEC_FILE
from worker.child.merging import OURS_FILE, THEIRS_FILE, MergeWork
from worker.device.builders.base import TimingOrder
from worker.device.builders.table import load
from worker.device.builders.tensorrt.caches import stand
from worker.device.builders.tensorrt.merge import merge
from worker.device.builders.tensorrt.timing import Timing

from .orders import AHEAD, order
from .rig import VERSION

pytestmark = pytest.mark.filterwarnings("ignore:.*Timing cache operations are no-ops:DeprecationWarning")


@pytest.fixture(autouse=True)
def _rig_is_found(rig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(rig))


class Real:
    """A configuration of the real builder, and what it says."""

    def __init__(self) -> None:
        trt = import_module("tensorrt_rtx")
        self.sayings = Sayings()
        self.logger = logger(trt, self.sayings)
        self.builder = trt.Builder(self.logger)
        self.config: Any = self.builder.create_builder_config()


def garbage(folder: Path) -> Path:
    path = folder / "given"
    path.write_bytes(b"this is no timing cache " * 40)
    return path


def test_a_build_begins_empty_where_the_fleet_has_none(tmp_path: Path) -> None:
    real = Real()
    timing = Timing(TimingOrder(None, None, False), real.sayings)
    timing.attach(real.config)
    told = timing.told()
    assert (told["use"], told["began_entries"], told["ended_entries"]) == ("shared", 0, 0)
    assert told["began_bytes"] == told["ended_bytes"] > 0
    assert timing.grew_from is None
    # It learned nothing: nobody is bothered.
    assert not timing.keep(tmp_path / "kept")
    # A second rung uses the same one.
    timing.attach(real.builder.create_builder_config())
    assert timing.told() == told


def test_what_is_no_cache_is_refused_by_tensorrt_and_the_build_begins_without(tmp_path: Path) -> None:
    real = Real()
    timing = Timing(TimingOrder(garbage(tmp_path), "a" * 64, False), real.sayings)
    timing.attach(real.config)
    told = timing.told()
    assert "timing cache will not be used" in told["refused"]
    assert told["began_entries"] == 0
    assert "sha256" not in told
    assert timing.grew_from is None
    assert real.sayings.errors() == (), "a later failure has reasons of its own"
    # The given one is to be replaced by whoever learned something, never by what holds nothing.
    assert not timing.keep(tmp_path / "kept")


def test_a_certified_cache_must_serve(tmp_path: Path) -> None:
    real = Real()
    timing = Timing(TimingOrder(garbage(tmp_path), "a" * 64, True), real.sayings)
    with pytest.raises(BuildFailed, match="does not take the certified timing cache: The timing cache will not be"):
        timing.attach(real.config)


def test_a_certified_cache_must_be_there() -> None:
    real = Real()
    with pytest.raises(BuildFailed, match="the certified timing cache is not there"):
        Timing(TimingOrder(None, None, True), real.sayings).attach(real.config)


def test_tensorrt_tells_how_many_entries_there_are() -> None:
    real = Real()
    found = stand(real.config.create_timing_cache(b""), real.sayings)
    assert found.entries == 0
    assert found.data


def test_a_merge_with_what_is_no_cache_is_a_sentence(tmp_path: Path) -> None:
    path = garbage(tmp_path)
    with pytest.raises(BuildFailed, match="does not take the timing cache of this build"):
        merge(capabilities_of(VERSION, rtx=True), path, path, tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (AHEAD, "does not take the timing cache of this build"),
        (BuildTarget("onnxruntime", "1.31.1", "linux-x86_64", "glibc-2.36"), "cannot merge timing caches"),
    ],
    ids=["rtx", "onnxruntime"],
)
def test_a_merge_child_leaves_its_reason(tmp_path: Path, rig: Path, target: BuildTarget, told: str) -> None:
    for name in ("input", "output"):
        (tmp_path / name).mkdir()
    for name in (OURS_FILE, THEIRS_FILE):
        garbage(tmp_path).rename(tmp_path / "input" / name)
    (tmp_path / SPEC_FILE).write_text(dumps(MergeWork(target)))
    environ = {"PYTHONPATH": f"{ROOT}:{rig}", "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-W", "ignore", "-m", "worker.device.merge", str(tmp_path)]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 1, ended.stdout
    assert told in loads(Failure, (tmp_path / FAILURE_FILE).read_text()).message


def test_a_build_ahead_of_time_has_nothing_to_tell_of_timings(tmp_path: Path) -> None:
    built = load("tensorrt_rtx").build(order(tmp_path, models.conv_net()))
    assert "timing_cache" not in built.effective
    assert built.learned is None
