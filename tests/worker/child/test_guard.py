from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from farm.protocol.codec import loads
from farm.protocol.errors import BuildFailed, Invalid, ProtocolError, Unsupported
from farm.protocol.report import Failure, FailureKind
from farm.protocol.states import State
from worker.child.guard import Stages, failure_from_error, guard
from worker.settings import stages_descriptor


@dataclass(frozen=True)
class Task:
    number: int


@pytest.fixture
def child(tmp_path: Path) -> Any:
    """Run work as a child does; its exit status, the stages it told, and the files it left."""
    (tmp_path / "spec.json").write_text('{"number": 7}')

    def run(work: Any) -> Any:
        reading, writing = os.pipe()
        try:
            status = guard(Task, work, State.BUILDING, tmp_path, writing)
        finally:
            os.close(writing)
        with os.fdopen(reading) as stream:
            stages = [json.loads(line) for line in stream]
        left = sorted(path.name for path in tmp_path.iterdir())
        return status, stages, left

    return run


def test_a_result_is_written_and_stages_are_told(child: Any, tmp_path: Path) -> None:
    def work(task: Any, workspace: Any, enter: Any) -> Any:
        assert workspace == tmp_path
        enter(State.BUILDING, "a line\nand another")
        enter(State.VERIFYING)
        return Task(task.number + 1)

    status, stages, left = child(work)
    assert status == 0
    assert stages == [{"state": "building", "detail": "a line\nand another"}, {"state": "verifying", "detail": ""}]
    assert left == ["result.json", "spec.json"]
    assert json.loads((tmp_path / "result.json").read_text()) == {"number": 8}


def test_progress_is_a_line_of_its_own_that_no_end_of_the_worker_breaks(child: Any, tmp_path: Path) -> None:
    def work(task: Any, workspace: Any, stages: Any) -> Any:
        stages(State.BUILDING)
        stages.progress("Timing tactics" * 100, 0.25)
        stages.progress("autotuning")
        return task

    _, told, _ = child(work)
    assert told[1:] == [
        {"progress": ("Timing tactics" * 100)[:200], "share": 0.25},
        {"progress": "autotuning", "share": None},
    ]
    reading, writing = os.pipe()
    os.close(reading)
    Stages(writing, State.BUILDING).progress("nobody reads this")
    os.close(writing)


def test_only_what_is_not_understood_is_traced_in_the_log(
    child: Any, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(task: Any, workspace: Any, enter: Any) -> None:
        raise Invalid("the model takes any size of x", "Say which to use.")

    def wrap(task: Any, workspace: Any, enter: Any) -> None:
        try:
            raise RuntimeError("the words of a library")
        except RuntimeError as error:
            raise BuildFailed("gave up", "Read the log.") from error

    child(refuse)
    assert "Traceback" not in "".join(capfd.readouterr())
    assert caplog.messages[-1] == "the model takes any size of x. Say which to use."
    child(wrap)
    assert "RuntimeError: the words of a library" in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Unsupported("no such option", "Leave it out."), FailureKind.UNSUPPORTED),
        (Invalid("wrong", "Mend it."), FailureKind.INVALID),
        (BuildFailed("gave up", "Read the log."), FailureKind.FAILED),
        (MemoryError("std::bad_alloc"), FailureKind.OUT_OF_MEMORY),
        (RuntimeError("anything\nelse"), FailureKind.FAILED),
    ],
)
def test_an_error_is_a_failure_of_the_stage_it_happened_in(child: Any, tmp_path: Path, error: Any, kind: Any) -> None:
    def work(task: Any, workspace: Any, enter: Any) -> None:
        enter(State.VERIFYING)
        raise error

    status, _, left = child(work)
    failure = loads(Failure, (tmp_path / "failure.json").read_text())
    assert status == 1
    assert left == ["failure.json", "spec.json"]
    assert (failure.kind, failure.stage) == (kind, State.VERIFYING)
    assert failure.message
    assert "\n" not in failure.message
    assert failure.hint


def test_a_spec_of_another_release_is_a_failure(child: Any, tmp_path: Path) -> None:
    (tmp_path / "spec.json").write_text('{"number": 7, "colour": "red"}')
    status, stages, _ = child(lambda *_: pytest.fail("it ran"))
    assert (status, stages) == (1, [])
    assert "Task.colour: unknown field" in loads(Failure, (tmp_path / "failure.json").read_text()).message


def test_a_result_that_has_no_json_leaves_no_half_of_one(child: Any) -> None:
    status, _, left = child(lambda *_: float("nan"))
    assert (status, left) == (1, ["failure.json", "spec.json"])


def test_a_message_of_the_protocol_is_invalid() -> None:
    assert failure_from_error(ProtocolError("x"), State.BUILDING).kind is FailureKind.INVALID


def test_the_descriptor_comes_from_the_environment() -> None:
    assert stages_descriptor({}) is None
    assert stages_descriptor({"FARM_CHILD_STAGES": "5"}) == 5
    with pytest.raises(Invalid, match="FARM_CHILD_STAGES is 'five'"):
        stages_descriptor({"FARM_CHILD_STAGES": "five"})


@pytest.mark.parametrize(("came", "ends"), [(b"1", ["ready", "worked"]), (b"", ["ready"])], ids=["come", "never come"])
def test_work_begins_when_its_inputs_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, came: bytes, ends: Any
) -> None:
    (tmp_path / "spec.json").write_text('{"number": 7}')
    reading, writing = os.pipe()
    os.write(writing, came)
    os.close(writing)
    monkeypatch.setattr("worker.child.guard.inputs_descriptor", lambda: reading)
    seen = []

    def work(task: Any, workspace: Any, stages: Any) -> Any:
        seen.append("worked")
        return task

    def run() -> Any:
        return guard(Task, work, State.BUILDING, tmp_path, None, lambda task, workspace: seen.append("ready"))

    if came:
        assert run() == 0
    else:
        with pytest.raises(SystemExit, match="3"):
            run()
    assert seen == ends
