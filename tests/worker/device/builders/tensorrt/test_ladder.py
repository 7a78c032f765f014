from __future__ import annotations

from typing import Any, Dict, List

import pytest

from farm.backends.tensorrt.capabilities import capabilities_of
from worker.device.builders.tensorrt.climb import OutOfMemoryError, climb
from worker.device.builders.tensorrt.ladder import SMALL_WORKSPACE_BYTES, Rung, is_out_of_memory, missing_rungs, rungs

ASKED = Rung("as asked")


def names(asked: Rung, version: str, rtx: bool = False) -> List[str]:
    return [rung.name for rung in rungs(asked, capabilities_of(version, rtx))]


def test_each_rung_gives_up_one_thing_more() -> None:
    climbed = list(rungs(ASKED, capabilities_of("10.4.0.26")))
    assert [rung.name for rung in climbed] == [
        "as asked",
        "smaller workspace",
        "lower optimisation level",
        "fewer tactic sources",
    ]
    assert climbed[-1] == Rung("fewer tactic sources", SMALL_WORKSPACE_BYTES, 1, ())


def test_a_version_has_only_the_rungs_that_it_knows() -> None:
    assert "lower optimisation level" not in names(ASKED, "8.5.2.2")
    assert "lower optimisation level" in names(ASKED, "8.6.1")
    assert missing_rungs(capabilities_of("8.5.2.2")) == ("lower optimisation level: this version has none",)
    assert missing_rungs(capabilities_of("8.6.1")) == ()
    assert missing_rungs(capabilities_of("1.7.1.116", True)) == ("fewer tactic sources: it times no tactics",)


def test_what_a_version_has_no_rung_for_is_told_where_memory_is_not_enough() -> None:
    capabilities = capabilities_of("8.5.2.2")

    def attempt(rung: Rung) -> Dict[str, Any]:
        if rung.name != "fewer tactic sources":
            raise OutOfMemoryError("2: OutOfMemory")
        return {"layers": 3}

    ladder = list(rungs(ASKED, capabilities))
    told = climb("TensorRT 8.5.2.2", ladder, attempt, missing_rungs(capabilities))
    assert (told["layers"], told["rung"]) == (3, "fewer tactic sources")
    assert [item["rung"] for item in told["rungs_before"]] == ["as asked", "smaller workspace"]
    assert told["rungs_missing"] == ["lower optimisation level: this version has none"]
    with pytest.raises(MemoryError) as caught:
        climb("TensorRT 8.5.2.2", ladder[:2], attempt, missing_rungs(capabilities))
    assert str(caught.value) == (
        "TensorRT 8.5.2.2 tried as asked, smaller workspace (no lower optimisation level: this version has none); "
        "at last: 2: OutOfMemory"
    )
    assert "rungs_missing" not in climb("TensorRT", ladder[2:], attempt, missing_rungs(capabilities))


def test_tensorrt_for_rtx_has_no_tactic_sources_to_give_up() -> None:
    assert names(ASKED, "1.7.1.116", rtx=True) == ["as asked", "smaller workspace", "lower optimisation level"]


def test_what_was_asked_for_is_no_rung_again() -> None:
    assert names(Rung("as asked", workspace_bytes=1 << 20, level=0, tactic_sources=()), "10.4.0.26") == ["as asked"]


@pytest.mark.parametrize(
    "text",
    [
        "[defaultAllocator.cpp::allocate::20] Error Code 1: Cuda Runtime (out of memory)",
        "Requested amount of GPU memory (1073741824 bytes) could not be allocated. OutOfMemory",
        "[virtualMemoryBuffer.cpp::resizePhysical::145] Error Code 2: OutOfMemory (Requested size was 2097152 bytes.)",
        "std::bad_alloc",
        "Skipping tactic 3 due to insufficient memory on requested size of 268435456 detected for tactic 0x0.",
    ],
)
def test_messages_about_memory_are_known(text: str) -> None:
    assert is_out_of_memory(["something before", text])


def test_a_workspace_that_somebody_limited_is_not_memory_that_is_missing() -> None:
    assert not is_out_of_memory(["Tactic Selection: no tactics to implement the operation within workspace limit."])
    assert not is_out_of_memory([])
