from __future__ import annotations

import threading

from farm.client.transport import Break, Broken
from farm.protocol.errors import LeaseLost
from farm.protocol.states import State
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
    assert b"bytes of the log came too fast and are missing here" in line.text
    assert made.tail.endswith("the last words\n")


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
