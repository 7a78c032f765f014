"""What versions of TensorRT can do, where it is no mere name of the bindings."""

from __future__ import annotations

import dataclasses

import pytest

from farm.backends.tensorrt import Loading, Typing, capabilities_of
from farm.backends.tensorrt.version import parse
from farm.protocol.errors import Unsupported

EIGHT, TEN, ELEVEN = capabilities_of("8.5.2.2"), capabilities_of("10.4.0.26"), capabilities_of("11.4.0.106")
RTX = capabilities_of("1.7.1.116", rtx=True)


def test_three_generations_choose_precision_in_three_ways() -> None:
    assert [can.typing for can in (EIGHT, TEN, ELEVEN, RTX)] == [
        Typing.WEAK,
        Typing.EITHER,
        Typing.STRONG,
        Typing.STRONG,
    ]
    assert "FP16" in EIGHT.builder_flags & TEN.builder_flags
    assert "FP16" not in ELEVEN.builder_flags | RTX.builder_flags


def test_what_begins_after_xavier() -> None:
    assert (EIGHT.optimization_levels, TEN.optimization_levels) == ((), (0, 1, 2, 3, 4, 5))
    assert (EIGHT.progress_monitor, TEN.progress_monitor) == (False, True)
    assert (EIGHT.plugin_loading, TEN.plugin_loading) == (Loading.CTYPES, Loading.REGISTRY)
    assert (EIGHT.explicit_batch_flag, TEN.explicit_batch_flag) == (True, False)
    assert "TACTIC_DRAM" not in EIGHT.memory_pools


def test_names_change() -> None:
    assert (EIGHT.plugin_creators, ELEVEN.plugin_creators) == ("plugin_creator_list", "all_creators")
    assert (EIGHT.device_memory_size, ELEVEN.device_memory_size) == ("device_memory_size", "device_memory_size_v2")
    assert capabilities_of("10.0.1").device_memory_size == "device_memory_size"


def test_the_libraries_are_tactic_sources_of_their_own_will_until_ten() -> None:
    assert "CUDNN" in EIGHT.default_tactic_sources
    assert "CUDNN" in TEN.tactic_sources - TEN.default_tactic_sources
    assert "CUDNN" not in ELEVEN.tactic_sources


@pytest.mark.parametrize(
    ("version", "dla"), [("8.5.2.2", True), ("10.7.0.23", True), ("10.8.0.43", False), ("11.4.0.106", False)]
)
def test_dla_pauses(version: str, dla: bool) -> None:
    assert capabilities_of(version).dla is dla
    assert capabilities_of("11.4.1.7").dla
    assert not RTX.dla


def test_rtx_is_told_its_gpus_and_times_nothing() -> None:
    assert RTX.compute_capabilities
    assert not ELEVEN.compute_capabilities
    assert (RTX.timing_caches, RTX.version_compatible, RTX.module) == (False, False, "tensorrt_rtx")
    assert RTX.name == "TensorRT for RTX 1.7.1.116"


def test_nothing_may_touch_what_no_table_holds() -> None:
    with pytest.raises(KeyError):
        TEN.has("IBuilderConfig.max_workspace_size")


@pytest.mark.parametrize(
    ("version", "rtx", "told"),
    [
        ("8.4.1", False, "It knows 8.5 to 11.x"),
        ("12.0.0.1", False, "It knows 8.5 to 11.x"),
        ("1.4.0.76", True, "1.5 and later"),
        ("2.0.0.1", True, "1.5 and later"),
        ("unknown", False, "A full version looks like"),
    ],
)
def test_an_unknown_version_is_refused(version: str, rtx: bool, told: str) -> None:
    with pytest.raises(Unsupported) as refused:
        capabilities_of(version, rtx)
    assert told in refused.value.hint
    assert version in refused.value.message


def test_versions_are_read_as_they_are_published() -> None:
    assert parse("10.14.1.48.post1") == (10, 14, 1, 48)
    assert parse("8.6.1") == (8, 6, 1)


def test_capabilities_are_a_value() -> None:
    assert capabilities_of("10.4.0.26") == TEN
    with pytest.raises(dataclasses.FrozenInstanceError):
        TEN.dla = False  # type: ignore[misc]
