from __future__ import annotations

from typing import List, Optional

from worker.device.builders.tensorrt.progress import Phases, Ticker, watch


class Told(List[str]):
    """What was told, on a clock that stands still unless it is set."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.shares: List[Optional[float]] = []
        self.ticker = Ticker(self._hear, lambda: self.now)

    def _hear(self, phase: str, share: Optional[float]) -> None:
        self.append(phase)
        self.shares.append(share)


def test_nested_phases_add_up_to_the_whole() -> None:
    told = Told()
    phases = Phases(told.ticker)
    phases.start("Building", None, 2)
    phases.start("Cloning", "Building", 4)
    phases.step("Cloning", 1)
    assert phases.share == 0.25
    phases.finish("Cloning")
    phases.step("Building", 0)
    phases.start("Timing", "Building", 2)
    phases.step("Timing", 0)
    assert phases.share == 0.75
    phases.step("Building", 1)
    assert phases.share == 1.0


def test_the_share_never_falls_and_never_passes_one() -> None:
    phases = Phases(Told().ticker)
    phases.start("Building", None, 1)
    phases.step("Building", 5)
    phases.start("Again", "Building", 3)
    phases.step("Again", 0)
    assert phases.share == 1.0


def test_a_step_of_a_phase_that_nobody_began_is_no_error() -> None:
    phases = Phases(Told().ticker)
    phases.step("Ghost", 3)
    phases.finish("Ghost")
    assert phases.share == 0.0


def test_it_is_told_at_most_once_a_second() -> None:
    told = Told()
    phases = Phases(told.ticker)
    phases.start("Building", None, 100)
    for step in range(50):
        phases.step("Building", step)
    assert (told, told.shares) == (["Building"], [0.0])
    told.now = 1.5
    phases.step("Building", 50)
    assert (told[1:], told.shares[1:]) == (["Building"], [0.51])


def test_the_verbose_log_of_old_versions_tells_phases() -> None:
    told = Told()
    look = watch(told.ticker)
    for line, phase in [
        ("Applying generic optimizations to the graph for inference.", "optimising graph"),
        ("Building graph using backend strategy 2", "building graph"),
        ("--------------- Timing Runner: Conv_0 (CaskConvolution)", "timing tactics"),
        ("Engine generation completed in 46.1 seconds.", "engine generated"),
    ]:
        told.now += 2
        look("Tactic: 0x0 Time: 0.0123")
        look(line)
        assert told[-1] == phase
    assert (len(told), set(told.shares)) == (4, {None})
