"""What is read out of TensorRT's log about a timing cache; the log is that of 8.5 and 10, line by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from farm.backends.tensorrt.logger import Sayings
from worker.device.builders.base import TimingOrder
from worker.device.builders.tensorrt.caches import is_blamed
from worker.device.builders.tensorrt.timing import Choices, Timing

TIMED = """*************** Autotuning format combination: Float(48,16,4,1) -> Float(32,16,4,1) ***************
--------------- Timing Runner: Conv_0 + Relu_1 (CudnnConvolution)
Tactic: 0x0000000000000000 Time: 0.0614
Tactic: 0x0000000000000001 Time: 0.0514
Fastest Tactic: 0x0000000000000001 Time: 0.0514
>>>>>>>>>>>>>>> Chose Runner Type: CudnnConvolution Tactic: 0x0000000000000001"""
KNOWN = """*************** Autotuning format combination: Float(48,16,4,1) -> Float(32,16,4,1) ***************
>>>>>>>>>>>>>>> Chose Runner Type: CudnnConvolution Tactic: 0x0000000000000001"""


def test_what_was_timed_is_counted_once_for_each_choice() -> None:
    choices = Choices()
    for line in "\n".join((TIMED, KNOWN, TIMED, KNOWN, KNOWN)).splitlines():
        choices.look(line)
    assert (choices.found, choices.timed, choices.tactics) == (5, 2, 4)


@pytest.mark.parametrize(
    ("error", "blamed"),
    [
        ("[caskBuilderUtils.cpp::getCaskHandle::408] Error Code 2: Internal Error (Assertion !isGroupConv)", True),
        ("[timingCache.cpp::find::12] Error Code 4: Internal Error", True),
        (
            "Adding new entry to timing cache is not allowed if `BuilderFlag::kERROR_ON_TIMING_CACHE_MISS` is set.",
            False,
        ),
        (
            "[optimizer.cpp::computeCosts::3869] Error Code 10: Internal Error (Could not find any implementation)",
            False,
        ),
    ],
)
def test_a_cache_is_blamed_only_for_what_it_may_have_done(error: str, blamed: bool) -> None:
    assert is_blamed([error]) is blamed


@pytest.mark.parametrize("order", [None, TimingOrder(None, None, False), TimingOrder(None, None, True)])
def test_a_build_that_was_given_nothing_blames_nothing(order: TimingOrder | None) -> None:
    assert not Timing(order, Sayings()).blamed(["getCaskHandle"])


def test_a_build_without_a_cache_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    timing = Timing(None, Sayings())
    for line in TIMED.splitlines():
        timing.watch(line)
    assert timing.told() == {"use": "none", "choices": 1, "choices_timed": 1, "tactics_timed": 2}
    assert not timing.keep(tmp_path / "timing.cache")


def test_a_refusal_that_comes_while_it_builds_is_told() -> None:
    timing = Timing(TimingOrder(None, None, False), Sayings())
    timing.watch("Global timing cache in use. Profiling results in this builder pass will be stored.")
    assert "refused" not in timing.told()
    timing.watch("Detected invalid timing cache, setup a local cache instead")
    assert timing.told() == {
        "use": "shared",
        "refused": "Detected invalid timing cache, setup a local cache instead",
    }
