from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from tests.support.waiting import until
from worker.child.listener import Listener, StageLines


class Heard:
    def __init__(self) -> None:
        self.log = bytearray()
        self.stages: list[tuple[str, str]] = []
        self.further: list[tuple[str, float | None]] = []

    def stage(self, name: str, detail: str) -> None:
        self.stages.append((name, detail))

    @property
    def lines(self) -> StageLines:
        return StageLines(self.stage, self.log.extend, lambda phase, share: self.further.append((phase, share)))


def test_a_line_may_come_in_pieces() -> None:
    heard = Heard()
    lines = heard.lines
    for piece in (b'{"state": "buil', b'ding"}\n{"state"', b': "verifying", "detail": "x"}\n'):
        lines.feed(piece)
    assert heard.stages == [("building", ""), ("verifying", "x")]
    assert not heard.log


def test_progress_is_told_as_often_as_it_comes_and_is_no_stage() -> None:
    heard = Heard()
    lines = heard.lines
    for step in range(3000):
        lines.feed(b'{"progress": "Timing tactics", "share": %f}\n' % (step / 2000))
    lines.feed(b'{"progress": "no number", "share": null}\n{"state": "verifying"}\n')
    assert heard.further[1000] == ("Timing tactics", 0.5)
    assert heard.further[2999:] == [("Timing tactics", 1.0), ("no number", None)]
    assert (heard.stages, heard.log) == ([("verifying", "")], bytearray())


def test_a_share_that_is_no_number_costs_one_line_of_the_log() -> None:
    heard = Heard()
    heard.lines.feed(b'{"progress": "x", "share": "half"}\n{"state": "building"}\n')
    assert (heard.further, heard.stages) == ([], [("building", "")])
    assert heard.log.count(b"\n") == 1


@pytest.mark.parametrize(
    "line", [b"", b"no", b"[1]", b"7", b'{"detail": "x"}', b"\xff\xfe", b'"' + b"x" * 9000, b"[" * 4000, b"null"]
)
def test_a_line_that_is_no_stage_costs_one_line_of_the_log(line: bytes) -> None:
    heard = Heard()
    heard.lines.feed(line + b'\n{"state": "building"}\n')
    assert heard.stages == [("building", "")]
    assert heard.log.count(b"\n") == 1


def test_a_line_without_end_takes_no_memory() -> None:
    heard = Heard()
    lines = heard.lines
    for _ in range(1000):
        lines.feed(b"x" * 65536)
    assert len(lines._begun) < 8192


def test_a_flood_of_stages_is_cut() -> None:
    heard = Heard()
    heard.lines.feed(b'{"state": "building"}\n' * 5000)
    assert len(heard.stages) == 1000
    assert heard.log.count(b"too many stages") == 1


@pytest.fixture
def pipes() -> Iterator[tuple[int, int, int, int]]:
    (output, output_end), (stages, stages_end) = os.pipe(), os.pipe()
    yield output, output_end, stages, stages_end
    for descriptor in (output_end, stages_end):
        os.close(descriptor)


def test_it_ends_although_somebody_holds_the_pipes_open(pipes: tuple[int, int, int, int]) -> None:
    output, output_end, stages, stages_end = pipes
    heard = Heard()
    listener = Listener(output, stages, heard.log.extend, heard.stage)
    listener.start()
    os.write(output_end, b"one\n")
    until(lambda: heard.log == b"one\n")
    os.write(output_end, b"two\n")
    os.write(stages_end, b'{"state": "building"}\n')
    listener.finish(5.0)
    assert not listener.is_alive()
    assert (bytes(heard.log), heard.stages) == (b"one\ntwo\n", [("building", "")])
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(output)


def test_a_taker_that_blocks_is_waited_for_so_long(pipes: tuple[int, int, int, int]) -> None:
    output, output_end, stages, _ = pipes
    let_go = threading.Event()

    def block(_: bytes) -> None:
        let_go.wait()

    listener = Listener(output, stages, block, lambda *_: None)
    listener.start()
    os.write(output_end, b"one\n")
    listener.finish(0.05)
    # Its descriptors are still its own: nobody else may get their numbers while it may read.
    assert listener.is_alive()
    os.fstat(output)
    let_go.set()
    listener.join(5.0)
    assert not listener.is_alive()
