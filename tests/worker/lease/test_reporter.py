from __future__ import annotations

import threading

from farm.client.transport import Break, Broken
from farm.protocol.errors import LeaseLost, NotFound, StorageFull
from farm.protocol.states import State
from tests.support.waiting import until
from tests.worker.lines import ScriptedLine
from worker.lease.patience import Patience
from worker.lease.reporter import Reporter


def reporter(line: ScriptedLine, lost: list[str] | None = None) -> Reporter:
    told = lost if lost is not None else []
    return Reporter(line, Patience(threading.Event(), lambda: 0.0), lambda: told.append("lost"))


def test_everything_arrives_in_order() -> None:
    line = ScriptedLine()
    made = reporter(line)
    made.stage(State.BUILDING, "onnxruntime")
    made.log(b"parsing\n")
    made.log("größer\n".encode())
    made.flush()
    made.stage(State.VERIFYING)
    made.flush()
    made.close()
    assert [item for word, item in line.heard if word == "stage"] == [State.BUILDING, State.VERIFYING]
    assert line.text.decode() == "parsing\ngrößer\n"
    assert made.tail == "parsing\ngrößer\n"


def test_a_broken_connection_loses_and_doubles_nothing() -> None:
    breaks = iter([True, False, True, True, False])

    def before(word: str) -> None:
        if next(breaks, False):
            raise Broken("the connection broke", "", Break.CUT)

    line = ScriptedLine(before)
    made = reporter(line)
    made.log(b"one\n")
    made.flush()
    made.log(b"two\n")
    made.flush()
    made.close()
    assert line.text == b"one\ntwo\n"


def test_a_flood_keeps_its_ends_and_says_what_is_missing() -> None:
    gate = threading.Event()

    def before(word: str) -> None:
        gate.wait(30)

    line = ScriptedLine(before)
    made = reporter(line)
    line_of_log = b"x" * 1023 + b"\n"
    for _ in range(20_000):
        made.log(line_of_log)
    gate.set()
    made.log(b"the last words\n")
    made.flush()
    made.close()
    assert len(line.text) < (10 << 20)
    assert b"bytes of the log came too fast, or had no room, and are missing here" in line.text
    assert made.tail.endswith("the last words\n")


def test_a_log_that_has_no_room_leaves_a_gap_and_keeps_the_stages() -> None:
    full = [True]

    def before(word: str) -> None:
        if word == "log" and full[0]:
            raise StorageFull("the log cannot be kept", offset=0)

    line = ScriptedLine(before)
    made = reporter(line)
    made.log(b"nobody will read this\n")
    made.stage(State.BUILDING)
    made.flush()
    full[0] = False
    made.log(b"the last words\n")
    made.flush()
    made.close()
    assert ("stage", State.BUILDING) in line.heard
    assert b"bytes of the log came too fast, or had no room, and are missing here" in line.text
    assert line.text.endswith(b"the last words\n")


def test_a_lost_lease_is_told_once_and_ends_the_reports() -> None:
    def before(word: str) -> None:
        raise LeaseLost("somebody else holds it")

    lost: list[str] = []
    made = reporter(ScriptedLine(before), lost)
    made.stage(State.BUILDING)
    made.flush()
    made.log(b"more\n")
    made.flush()
    made.close()
    assert lost == ["lost"]


def test_of_progress_only_the_newest_is_told_and_not_often() -> None:
    line = ScriptedLine()
    now = [100.0]
    made = Reporter(line, Patience(threading.Event(), lambda: 0.0), lambda: None, lambda: now[0])
    made.stage(State.BUILDING)
    made.flush()
    made.progress("Timing tactics", 0.1)
    until(lambda: ("progress", ("Timing tactics", 0.1)) in line.heard)
    for step in range(50):
        made.progress("Timing tactics", step / 50)
    now[0] += 2.5
    made.progress("Timing tactics", 0.99)
    until(lambda: ("progress", ("Timing tactics", 0.99)) in line.heard)
    assert [word for word, _ in line.heard] == ["stage", "progress", "progress"]
    made.progress("of the stage before", 1.0)
    made.stage(State.VERIFYING)
    made.flush()
    now[0] += 2.5
    made.log(b"more\n")
    made.flush()
    made.close()
    assert [word for word, _ in line.heard][3:] == ["stage", "log"]


def test_a_progress_that_is_lost_ends_no_report() -> None:
    def before(word: str) -> None:
        if word == "progress":
            raise NotFound("an old coordinator has no such call")

    line = ScriptedLine(before)
    made = reporter(line)
    made.progress("Timing tactics", 0.5)
    made.log(b"the rest\n")
    made.flush()
    made.close()
    assert line.text == b"the rest\n"
