"""What both executors promise of a child, asked of each: a process here, and a container of a real engine."""

from __future__ import annotations

import json
import time

import pytest

from farm.protocol.report import FailureKind
from farm.protocol.states import State
from tests.support.stopwatch import Stopwatch
from worker.child.crash import reason_of

from .conftest import MIB, Make

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_its_log_arrives_while_it_runs(make: Make) -> None:
    case = make("talk")
    case.child.start()
    case.await_line('"one"\n')
    (case.workspace / "heard").touch()
    assert case.child.wait().status == 0
    assert b"".join(case.heard) == b'"one"\n\xff\xfe not text\n'


def test_its_stages_and_progress_are_heard(make: Make) -> None:
    case = make("stages")
    assert case.run().status == 0
    assert case.stages == [("building", "one"), ("verifying", "")]
    assert case.progress == [("tactics", 0.5)]
    assert "the child told a stage that cannot be read" in case.text


def test_what_it_makes_lies_in_its_workspace(make: Make) -> None:
    case = make("make")
    ended = case.run()
    assert ended.status == 0
    assert json.loads((case.workspace / "result.json").read_text()) == "model"
    assert (case.workspace / "output/engine.plan").read_bytes() == b"engine" * MIB
    assert (case.workspace / "output/plugins/empty.so").read_bytes() == b""
    assert ended.child_ms > 0


@pytest.mark.parametrize(
    ("what", "kind", "signal_name", "told"),
    [
        ("segfault", FailureKind.CRASHED, "SIGSEGV", "killed by SIGSEGV"),
        ("exit", FailureKind.CRASHED, None, "ended with status 7"),
        ("fail", FailureKind.INVALID, None, "the parser refused it"),
    ],
)
def test_its_end_is_told_as_what_it_was(
    make: Make, what: str, kind: FailureKind, signal_name: str | None, told: str
) -> None:
    case = make(what)
    failure = reason_of(case.run(), case.workspace, State.BUILDING, "")
    assert (failure.kind, failure.signal) == (kind, signal_name)
    assert told in failure.message


def test_its_time_begins_when_its_inputs_are_there(make: Make) -> None:
    case = make("inputs")
    case.child.start(early=True)
    case.await_line('"ready"\n')
    (case.workspace / "input/late.onnx").touch()
    began = time.monotonic()
    case.child.go_on()
    ended = case.child.wait()
    assert ended.status == 0
    assert case.told() == ["late.onnx", "model.onnx"]
    assert 0 < ended.child_ms <= 1000 * (time.monotonic() - began)


def test_one_whose_inputs_do_not_come_is_ended(make: Make) -> None:
    case = make("inputs")
    case.child.start(early=True)
    case.await_line('"ready"\n')
    case.child.kill("no inputs")
    assert case.child.wait().status is None


def test_a_cancel_leaves_nothing_after_two_seconds(make: Make) -> None:
    case = make("hold on")
    case.child.start()
    case.await_line("holding on")
    with Stopwatch() as watch:
        case.child.kill("cancelled")
        case.child.kill("again")
        ended = case.child.wait()
    assert watch.own_s < 2.0
    assert (ended.status, ended.signal) == (None, "SIGKILL")
    assert not ended.out_of_memory
    assert not ended.timed_out


def test_a_deadline_ends_it_whatever_it_ignores(make: Make) -> None:
    case = make("hold on", deadline_s=0.5)
    case.child.start(early=True)
    case.await_line("holding on")
    case.child.go_on()
    ended = case.child.wait()
    assert ended.timed_out
    assert ended.signal == "SIGKILL"
    assert ended.child_ms > 500


def test_memory_beyond_the_limit_ends_it(make: Make) -> None:
    case = make("allocate", memory_bytes=300 * MIB)
    ended = case.run()
    assert ended.out_of_memory
    assert reason_of(ended, case.workspace, State.BUILDING, "").kind is FailureKind.OUT_OF_MEMORY


def test_it_knows_no_secret_and_what_it_may_know(make: Make) -> None:
    case = make("look")
    assert case.run().status == 0
    assert case.told()["OMP_NUM_THREADS"] == "2"
    assert "farm_secret" not in case.text


def test_a_script_repeats_it(make: Make) -> None:
    case = make("exit")
    assert case.run().status == 7
    script = (case.workspace / "reproduce.sh").read_text()
    assert "tests.containers.children" in script
    assert "farm_secret" not in script
