"""Real processes that crash, hang, hide and hoard; nothing of them may be left, and nothing of ours be found."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from farm.protocol.errors import Conflict
from farm.protocol.report import FailureKind
from farm.protocol.states import State
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import until
from worker.child.crash import reason_of
from worker.child.isolate import Ended
from worker.child.reproduce import write_reproduce
from worker.slots import held

from .case import ENVIRON, MODULE, Make

ROOT = Path(__file__).parents[3]


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


def zombies() -> set[int]:
    return {child.pid for child in psutil.Process().children() if child.status() == psutil.STATUS_ZOMBIE}


def test_log_lines_arrive_while_it_runs(make: Make) -> None:
    case = make("talk")
    case.child.start()
    until(lambda: case.text == b"one\n")
    (case.workspace / "heard").touch()
    assert case.child.wait().status == 0
    assert case.text == b"one\n\xff\xfe not text\n"


def test_a_library_that_crashes_when_it_is_taken_apart_spoils_no_result(make: Make) -> None:
    case = make("abort when taken apart")
    assert case.run().status == 0
    assert case.read("result.json") == "done"
    assert case.text == b"all of the log"


def test_the_time_of_a_child_begins_when_its_inputs_are_there(make: Make) -> None:
    case = make("inputs")
    case.child.start(early=True)
    assert case.read("ready.json") == "ready"
    (case.workspace / "input").mkdir()
    (case.workspace / "input/model.onnx").touch()
    ready_s = time.monotonic()
    case.child.go_on()
    ended = case.child.wait()
    assert ended.status == 0
    assert case.read("seen.json") == ["model.onnx"]
    assert 0 < ended.child_ms <= 1000 * (time.monotonic() - ready_s)


def test_a_child_whose_inputs_do_not_come_is_ended(make: Make) -> None:
    case = make("inputs")
    case.child.start(early=True)
    assert case.read("ready.json") == "ready"
    case.child.kill("no inputs")
    assert case.child.wait().signal == "SIGTERM"
    assert not (case.workspace / "seen.json").exists()


def test_stages_are_heard_and_what_is_none_is_told(make: Make) -> None:
    case = make("stages")
    assert case.run().status == 0
    assert case.stages == [("building", "one"), ("verifying", "")]
    assert b"the child told a stage that cannot be read" in case.text
    assert b"went on without the pipe" in case.text


def test_a_flood_of_log_stays_out_of_memory(make: Make) -> None:
    case = make("flood")
    sizes: list[int] = []
    case.child._log = lambda chunk: sizes.append(len(chunk))
    before = psutil.Process().memory_info().rss
    assert case.run().status == 0
    assert sum(sizes) == 256 << 20
    assert psutil.Process().memory_info().rss - before < 64 << 20


@pytest.mark.parametrize(
    ("what", "kind", "signal_name", "told"),
    [
        ("segfault", FailureKind.CRASHED, "SIGSEGV", "killed by SIGSEGV"),
        ("abort", FailureKind.CRASHED, "SIGABRT", "killed by SIGABRT"),
        ("sigkill", FailureKind.CRASHED, "SIGKILL", "killed by SIGKILL"),
        ("exit", FailureKind.CRASHED, None, "ended with status 7"),
        ("broken failure", FailureKind.CRASHED, None, "ended with status 1"),
        ("fail", FailureKind.INVALID, None, "the parser refused it"),
    ],
)
def test_an_end_is_told_as_what_it_was(
    make: Make, what: str, kind: FailureKind, signal_name: str | None, told: str
) -> None:
    case = make(what)
    ended = case.run()
    failure = reason_of(ended, case.workspace, State.BUILDING, "last words", "sh reproduce.sh")
    assert (failure.kind, failure.signal, failure.stage) == (kind, signal_name, State.BUILDING)
    assert told in failure.message
    assert failure.log_tail == "last words"
    assert (what != "segfault") or b"string_at" in case.text
    assert failure.reproduce == "sh reproduce.sh"


@pytest.fixture
def core_files() -> Iterator[None]:
    """This process may leave core files of any size, as a worker started from a developer's shell may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


@pytest.mark.usefixtures("core_files")
def test_a_crash_leaves_no_core_file(make: Make, tmp_path: Path) -> None:
    looking = make("look", name="looking")
    looking.run()
    assert looking.read("seen.json")["limits"]["core"] == [0, 0]
    crashing = make("segfault")
    assert crashing.run().signal == "SIGSEGV"
    assert [path for path in tmp_path.rglob("core*") if path.is_file()] == []


@pytest.mark.parametrize("what", ["allocate", "allocate stubbornly", "allocate in another"])
def test_memory_beyond_the_limit_ends_it(make: Make, what: str) -> None:
    case = make(what, memory_bytes=400 << 20)
    ended = case.run()
    assert ended.out_of_memory
    assert 400 << 20 < ended.peak_bytes < 2 << 30
    assert reason_of(ended, case.workspace, State.BUILDING, "").kind is FailureKind.OUT_OF_MEMORY


def test_a_mapped_file_is_not_held_against_it(make: Make) -> None:
    ended = make("map", memory_bytes=400 << 20).run()
    assert ended.status == 0
    assert ended.peak_bytes < 100 << 20


def test_a_deadline_ends_it_whatever_it_ignores(make: Make) -> None:
    ended = make("stubborn", deadline_s=0.5).run()
    assert ended.timed_out
    assert ended.signal == "SIGKILL"
    assert ended.child_ms > 500


@pytest.mark.parametrize("what", ["stubborn", "grandchildren"])
def test_a_kill_leaves_nothing_after_two_seconds(make: Make, what: str) -> None:
    case = make(what)
    case.child.start()
    pids = case.read("pids.json")
    group = [pid for pid in psutil.pids() if _group(pid) == case.child._running().pid]
    with Stopwatch() as watch:
        case.child.kill("cancelled")
        case.child.kill("again")
        ended = case.child.wait()
    assert watch.own_s < 2.0
    assert ended.status is None
    assert set(pids) <= set(group)
    until(lambda: not alive(group))


def test_what_it_leaves_behind_goes_with_it(make: Make) -> None:
    case = make("orphan")
    with Stopwatch() as watch:
        assert case.run().status == 0
    assert watch.own_s < 5.0


def test_what_left_its_group_goes_with_it_too(make: Make) -> None:
    case = make("escape")
    with Stopwatch() as watch:
        assert case.run().status == 0
    assert watch.own_s < 2.0
    assert not alive(case.read("pids.json"))


@pytest.mark.parametrize("what", ["grandchildren", "stubborn"])
def test_nobody_outlives_a_worker_that_is_killed(tmp_path: Path, what: str) -> None:
    code = (
        "from pathlib import Path\n"
        "from worker.child.isolate import Child, Limits\n"
        "from worker.slots import held\n"
        "with held(Path('slots'), 'cpu0') as lock:\n"
        f"    child = Child('{MODULE}', Path('w').resolve(), Limits(60), lock, {{'PATH': '/bin'}}, print, print)\n"
        "    child.start(); child.wait()\n"
    )
    (tmp_path / "w").mkdir()
    (tmp_path / "w/spec.json").write_text(json.dumps(what))
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    worker = subprocess.Popen([sys.executable, "-c", code], cwd=str(tmp_path), env=environ)
    until(lambda: (tmp_path / "w/pids.json").exists())
    pids = json.loads((tmp_path / "w/pids.json").read_text())
    group = [pid for pid in psutil.pids() if _group(pid) == pids[0]]
    with pytest.raises(Conflict, match="the slot cpu0"), held(tmp_path / "slots", "cpu0", patience_s=0.0):
        pass
    worker.kill()
    worker.wait()
    with held(tmp_path / "slots", "cpu0", patience_s=2.0):
        assert not alive(group)


def test_many_children_at_once_from_many_threads(make: Make) -> None:
    before, already = {thread.name for thread in threading.enumerate()}, zombies()
    ends: list[Ended] = []
    cases = [make("nothing", name=f"w{number}") for number in range(8)]
    threads = [threading.Thread(target=lambda case=case: ends.append(case.run())) for case in cases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [ended.status for ended in ends] == [0] * 8
    until(lambda: {thread.name for thread in threading.enumerate()} <= before)
    assert zombies() <= already


def test_a_script_repeats_it_by_hand(make: Make, tmp_path: Path) -> None:
    case = make("exit")
    case.run()
    write_reproduce(case.workspace, MODULE, ENVIRON)
    moved = tmp_path / "failed" / "att-1"
    moved.parent.mkdir()
    case.workspace.rename(moved)
    done = subprocess.run(["sh", str(moved / "reproduce.sh")], cwd="/", check=False, env={"FARM_TOKEN": "farm_secret"})
    assert done.returncode == 7
    assert "farm_secret" not in (moved / "reproduce.sh").read_text()


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return -1


def test_a_slot_is_free_again_after_its_holder(tmp_path: Path) -> None:
    with held(tmp_path, "gpu0"):
        with pytest.raises(Conflict, match=f"process {os.getpid()}"), held(tmp_path, "gpu0", patience_s=0.0):
            pass
        with held(tmp_path, "gpu1", patience_s=0.0):
            pass
    with held(tmp_path, "gpu0", patience_s=0.0):
        pass


def test_the_signal_of_a_cancel_is_not_taken_for_hunger(make: Make) -> None:
    case = make("stubborn")
    case.child.start()
    case.read("pids.json")
    case.child.kill("cancelled")
    ended = case.child.wait()
    assert ended.signal == signal.Signals.SIGKILL.name
    assert not ended.out_of_memory
    assert not ended.timed_out
