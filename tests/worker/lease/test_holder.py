from __future__ import annotations

import threading
from typing import List

from farm.client.transport import Break, Broken
from farm.protocol.errors import LeaseLost
from farm.protocol.work import Control
from tests.worker.lines import ScriptedLine
from worker.lease.holder import Holder


def test_a_cancel_arrives_at_once() -> None:
    line, heard = ScriptedLine(), threading.Event()
    told: List[str] = []

    def cancelled(reason: str) -> None:
        told.append(reason)
        heard.set()

    with Holder(line, cancelled, lambda: told.append("lost")):
        line.control = Control(cancel=True, reason="nobody wants it")
        line.wanted.set()
        assert heard.wait(5)
    assert told == ["nobody wants it"]


def test_a_broken_beat_is_repeated_and_a_lost_lease_ends_it() -> None:
    answers = iter([Broken("cut", "", Break.CUT), None, LeaseLost("taken back")])
    lost = threading.Event()
    beats: list[str] = []

    def before(word: str) -> None:
        beats.append(word)
        answer = next(answers)
        if answer is not None:
            raise answer

    line = ScriptedLine(before)
    line.wanted.set()
    with Holder(line, lambda reason: None, lost.set):
        assert lost.wait(10)
    assert beats == ["beat", "beat", "beat"]


def test_what_comes_after_the_end_is_not_heard() -> None:
    line, beating = ScriptedLine(), threading.Event()
    told: List[str] = []
    line.before = lambda word: beating.set()
    with Holder(line, told.append, lambda: told.append("lost")):
        assert beating.wait(5)
    line.control = Control(cancel=True, reason="too late")
    line.wanted.set()
    for thread in threading.enumerate():
        if thread.name == "hold-att-1":
            thread.join(5)
    assert told == []
