"""Values of options, from how they are typed to what TensorRT takes."""

from __future__ import annotations

import pytest

from farm.backends.tensorrt.values import compute_capabilities, memory_pools, tactic_sources

KNOWN = frozenset({"CUBLAS", "CUDNN", "JIT_CONVOLUTIONS"})


def test_sizes_of_pools_are_mebibytes_unless_they_have_a_unit() -> None:
    assert memory_pools("workspace:1024,dlaSRAM:0.5") == {"WORKSPACE": 1 << 30, "DLA_MANAGED_SRAM": 1 << 19}
    assert memory_pools("tacticSharedMem:48K, tacticDRAM:2G") == {
        "TACTIC_SHARED_MEMORY": 48 << 10,
        "TACTIC_DRAM": 2 << 30,
    }
    assert memory_pools("workspace:7B") == {"WORKSPACE": 7}


@pytest.mark.parametrize("text", ["", "workspace", "workspace:", "workspace:-1", "heap:5", "workspace:1T"])
def test_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no size of a pool"):
        memory_pools(text)


def test_sources_change_what_is_on_by_default() -> None:
    default = frozenset({"CUBLAS", "JIT_CONVOLUTIONS"})
    assert tactic_sources("-CUBLAS,+cudnn", default, KNOWN) == {"CUDNN", "JIT_CONVOLUTIONS"}
    assert tactic_sources("-CUDNN", default, KNOWN) == default


@pytest.mark.parametrize("text", ["CUBLAS", "+CUTLASS", "", "-"])
def test_other_sources_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="switches no source"):
        tactic_sources(text, KNOWN, KNOWN)


@pytest.mark.parametrize("text", ["8.6,12.0", "86,120", "sm86, sm120"])
def test_cards_are_told_in_three_ways(text: str) -> None:
    assert compute_capabilities(text) == ("8.6", "12.0")


@pytest.mark.parametrize("text", ["", "rtx", "8.6,86", "8", "8.6.1"])
def test_other_cards_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"compute capability|one twice"):
        compute_capabilities(text)
