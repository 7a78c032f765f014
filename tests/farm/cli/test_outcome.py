"""What the table of results says about a row beside its numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from farm.cli.outcome import emit_results
from farm.client import TargetResult
from farm.protocol.report import Verdict
from farm.protocol.states import State
from farm.protocol.views import RequestView

from ..samples import benchmark, engine_detail, verification


def noted(capsys: Any, state: State, reason: str = "", **reports: Any) -> str:
    """The last cell of the row of one target."""
    request = RequestView("req-1", "cpu", "cpu", state, "k" * 64, "prp-1", reason=reason)
    emit_results([TargetResult(request, engine=replace(engine_detail(), **reports))])
    out: str = capsys.readouterr().out
    return out.splitlines()[-1].split("  ")[-1].strip()


def test_what_is_not_handed_out_says_why_before_all_else(capsys: Any) -> None:
    noisy = benchmark(latency=None, throughput_per_s=None, noisy=True)
    assert noted(capsys, State.QUARANTINED, "it failed before", benchmarks=(noisy,)) == "it failed before"


def test_what_is_not_verified_says_why(capsys: Any) -> None:
    report = replace(verification(Verdict.UNVERIFIED), reason="y: the reference is constant")
    assert noted(capsys, State.DONE, verifications=(report,)) == "y: the reference is constant"


@pytest.mark.parametrize("state", [State.DONE, State.CACHED])
def test_a_good_measurement_says_how_much_it_spread(capsys: Any, state: State) -> None:
    assert noted(capsys, state) == "cv 1.7 % of 2,400 runs"
