"""The command line that runs an engine: each version is told what it would do otherwise."""

from __future__ import annotations

from typing import List

import pytest

from farm.backends.tensorrt.capabilities import capabilities_of
from farm.protocol.errors import Unsupported
from farm.protocol.options import BenchmarkPolicy
from farm.runtime.trtexec.command import run_arguments

CALM = BenchmarkPolicy(warmup_ms=50, iterations=20, duration_s=1.5)


def told(version: str, policy: BenchmarkPolicy = CALM) -> List[str]:
    return list(run_arguments(capabilities_of(version), "e.plan", {"x:0": "a", "y": "b"}, {"x:0": (2, 4)}, policy))


def test_the_first_generation() -> None:
    assert told("8.5.2.2") == [
        *("--loadEngine=e.plan", "--loadInputs=x:0:a,y:b", "--shapes=x:0:2x4"),
        *("--warmUp=50", "--iterations=20", "--duration=1.5", "--streams=1"),
    ]


def test_the_last_one_copies_and_waits_unless_it_is_told() -> None:
    assert told("11.1.0")[3:] == [
        *("--warmUp=50", "--iterations=20", "--duration=1.5", "--infStreams=1"),
        *("--includeDataTransfers", "--noCudaGraph", "--noSpinWait"),
    ]


@pytest.mark.parametrize(
    ("version", "more"), [("10.4.0", ["--useCudaGraph", "--useSpinWait"]), ("11.1.0", ["--includeDataTransfers"])]
)
def test_a_graph_and_a_busy_core_are_on_where_they_are_asked_for(version: str, more: List[str]) -> None:
    asked = BenchmarkPolicy(streams=2, cuda_graph=True, spin_wait=True)
    assert told(version, asked)[6:] == ["--infStreams=2", *more]


def test_a_plan_is_told_again_what_it_needs() -> None:
    can = capabilities_of("10.4.0")
    found = run_arguments(can, "e.plan", {"x": "a"}, {}, options={"useDLACore": 1, "versionCompatible": True})
    assert {"--useDLACore=1", "--versionCompatible"} < set(found)
    with pytest.raises(Unsupported, match="no option --versionCompatible"):
        run_arguments(capabilities_of("8.5.2"), "e.plan", {}, {}, options={"versionCompatible": True})
