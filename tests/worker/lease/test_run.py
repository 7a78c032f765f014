"""One lease on a disk that is full, and with blobs that do not come: told as a failure, nothing left behind."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from farm.device.clock_keeper import ClockKeeper
from farm.protocol.errors import BuildFailed
from farm.protocol.keys import PreparationKey, PreparationRecipe
from farm.protocol.model import FileRef, ModelManifest
from farm.protocol.options import BenchmarkPolicy, ClockLock, ReferencePolicy
from farm.protocol.report import Failure, FailureKind
from farm.protocol.states import State
from farm.protocol.work import Claim, Lease, PreparationWork
from tests.support import models
from tests.support.waiting import until
from tests.worker.device.works import workspace
from tests.worker.lines import ScriptedLine
from worker.child import executor as executors
from worker.child.clocks import CLOCKS_FILE
from worker.child.executor import ProcessExecutor
from worker.child.failpoints import Failpoints
from worker.child.isolate import Ended
from worker.child.merging import OURS_FILE, THEIRS_FILE
from worker.lease import run as module
from worker.lease.patience import Patience
from worker.lease.run import Run
from worker.lease.shop import Shop
from worker.lease.transfer import Cache

MODEL = ModelManifest((FileRef("model.onnx", 4, "0" * 64),))
CLAIM = Claim(
    Lease("att-1", 7, 3.0),
    preparation=PreparationWork("prp-1", PreparationKey(MODEL.digest, PreparationRecipe(()), ReferencePolicy()), MODEL),
)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    (tmp_path / "work").mkdir()
    return Shop(
        folder=tmp_path / "work",
        failed=tmp_path / "failed",
        executor=ProcessExecutor(0, {}),
        cache=Cache(tmp_path / "cache", 1 << 20),
        patience=Patience(threading.Event(), lambda: 0.0),
        faults=lambda halt: Failpoints({}),
    )


def failures(line: ScriptedLine) -> List[Failure]:
    return [told for word, told in line.heard if isinstance(told, Failure)]


def no_room(*_: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("where", [(module, "make_workspace"), (executors, "write_reproduce")], ids=str)
def test_a_full_disk_is_a_failure_that_is_tried_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, where: Tuple[Any, str]
) -> None:
    monkeypatch.setattr(*where, no_room)
    monkeypatch.setattr(shop.cache, "bring", lambda *_: 0)
    monkeypatch.setattr(module, "keep_failed", no_room)
    line = ScriptedLine()
    Run(shop, CLAIM, line, lambda stage: None).work()
    (told,) = failures(line)
    assert (told.kind, told.stage) == (FailureKind.TRANSFER, State.LEASED)
    assert "No space left" in told.message
    until(lambda: not list(shop.folder.iterdir()), told="the workspace was left")


def test_timing_caches_are_merged_by_a_child_of_the_device(shop: Shop, tmp_path: Path) -> None:
    model = models.conv_net()
    build = Claim(Lease("att-1", 7, 3.0), build=workspace(tmp_path / "laid out", model, None))
    folder = tmp_path / "merge"
    for name in (f"input/{OURS_FILE}", f"input/{THEIRS_FILE}", "output/nothing"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"times")
    line = ScriptedLine()
    with (tmp_path / "lock").open("w") as lock:
        run = Run(replace(shop, executor=ProcessExecutor(lock.fileno(), os.environ)), build, line, lambda stage: None)
        # ONNX Runtime times no tactics: its builder says so, in a process that has that runtime.
        with pytest.raises(BuildFailed, match="cannot merge timing caches"):
            run._merge(folder)
    run._reporter.close()


def test_a_cancel_while_blobs_come_ends_it_without_a_failure(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    line = ScriptedLine()
    run = Run(shop, CLAIM, line, lambda stage: None)

    def bring(*_: object) -> None:
        line.control = type(line.control)(cancel=True, reason="nobody wants it")
        line.wanted.set()
        run.halt.sleep(30)
        run.halt.check()

    monkeypatch.setattr(shop.cache, "bring", bring)
    run.work()
    assert failures(line) == []
    assert ("release", "nobody wants it") in line.heard
    until(lambda: not list(shop.folder.iterdir()), told="the workspace was left")


class _Keeper(ClockKeeper):
    """Locks nothing, and writes down what it was asked to."""

    def __init__(self, told: List[str]) -> None:
        self.told = told

    def lock(self) -> Dict[str, Any]:
        self.told.append("lock")
        return {"locked": True, "graphics_mhz": 1410}

    def release(self) -> None:
        self.told.append("release")


@pytest.mark.parametrize(
    ("how", "told"), [(ClockLock.OFF, ["release"]), (ClockLock.AUTO, ["lock", "told", "release"])], ids=["off", "auto"]
)
def test_clocks_are_locked_before_the_child_is_told_and_free_when_it_is_dead(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, how: ClockLock, told: List[str]
) -> None:
    work = workspace(tmp_path / "made", models.conv_net(), None, benchmark=BenchmarkPolicy(lock_clocks=how))
    seen: List[str] = []

    class Killed:
        """A child that is killed while it measures."""

        def __init__(self, _module: str, folder: Path, *more: Any) -> None:
            self._folder, self._stage = folder, more[4]

        def start(self, early: bool = False) -> None: ...

        def go_on(self) -> None:
            self._stage("benchmarking", "")
            if (self._folder / CLOCKS_FILE).exists():
                assert json.loads((self._folder / CLOCKS_FILE).read_text()) == {"locked": True, "graphics_mhz": 1410}
                seen.append("told")

        def kill(self, reason: str) -> None: ...

        def wait(self) -> Ended:
            return Ended(None, "SIGKILL")

    monkeypatch.setattr(executors, "Child", Killed)
    monkeypatch.setattr(shop.cache, "bring", lambda *_: 0)
    stages: List[State] = []
    line = ScriptedLine()
    Run(replace(shop, clocks=_Keeper(seen)), Claim(CLAIM.lease, build=work), line, stages.append).work()
    assert seen == told
    assert State.BENCHMARKING in stages
    (failure,) = failures(line)
    assert failure.signal == "SIGKILL"
