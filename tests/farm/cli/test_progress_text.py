from __future__ import annotations

import pytest

from farm.cli.progress_text import progress_text
from farm.cli.watching import _Lines
from farm.protocol.states import State
from farm.protocol.views import ProgressView, RequestView, SubmissionView


def test_an_estimate_is_called_one_and_says_what_it_is_from() -> None:
    known = ProgressView("Timing tactics", 35.2, 62.0, 204.0, "3 builds of this model")
    assert progress_text(known, 1.0) == (
        "Timing tactics, 35 % of its steps; 1 min 03 s of an estimated 3 min 24 s (3 builds of this model)"
    )


def test_what_is_not_known_is_left_out() -> None:
    assert progress_text(None) == ""
    assert progress_text(ProgressView(elapsed_s=4.0)) == "4.0 s"
    assert progress_text(ProgressView("autotuning", elapsed_s=4.0)) == "autotuning; 4.0 s"


def test_a_target_at_work_has_a_line_every_ten_seconds_at_most(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    lines = _Lines(lambda: now[0])

    def tell(phase: str, percent: float) -> int:
        progress = ProgressView(phase, percent, now[0])
        request = RequestView("req", "h200", "label", State.BUILDING, "key", "prp", progress=progress)
        lines.tell(SubmissionView("sub", "net", "model", State.BUILDING, "", "", (request,)))
        return len(capsys.readouterr().err.splitlines())

    assert tell("", 0.0) == 1
    assert tell("Timing", 1.0) == 0
    now[0] += 11
    assert tell("Timing", 2.0) == 1
    assert tell("Timing", 3.0) == 0
    now[0] += 11
    assert tell("Timing", 2.0) == 0, "nothing new"
    assert tell("Timing", 4.0) == 1
