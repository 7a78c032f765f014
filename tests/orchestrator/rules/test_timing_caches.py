"""Whose timing cache a build uses: never that of another card, nor of another TensorRT."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from farm.protocol.errors import Unsupported
from farm.protocol.target import BuildTarget, GpuClass
from farm.protocol.timing import TimingCacheUse, pinned
from orchestrator.rules.timing_caches import key_word, timing_class

CARD = GpuClass("NVIDIA H200", "9.0", 132, 150109880320)
TARGET = BuildTarget(
    "tensorrt", "8.5.3.1", "linux-x86_64", "glibc-2.36", gpu=CARD, cuda="13.0", driver="580.159.04", toolchain={}
)
CPU = BuildTarget("onnxruntime", "1.31.1", "linux-x86_64", "glibc-2.36")
RTX = BuildTarget("tensorrt_rtx", "1.7.1.116", "linux-x86_64", "glibc-2.36")
STATE = "a" * 64


def cache_of(target: BuildTarget) -> str:
    found = timing_class(target)
    assert found
    return found.id


@pytest.mark.parametrize(
    "changed",
    [
        {"backend_version": "8.5.3.2"},
        {"backend_version": "10.4.0.26"},
        {"backend": "trtexec"},
        {"backend_detail": {"cuda": "11.8"}},
        {"platform": "linux-aarch64"},
        {"l4t": "35.4.1"},
        {"power_mode": "15W"},
        {"gpu": replace(CARD, name="NVIDIA H100")},
        {"gpu": replace(CARD, compute_capability="9.1")},
        {"gpu": replace(CARD, sm_count=114)},
        {"gpu": replace(CARD, memory_bytes=80 << 30)},
        {"gpu": replace(CARD, mig_profile="1g.18gb")},
    ],
    ids=str,
)
def test_another_card_or_another_tensorrt_has_another_cache(changed: dict[str, Any]) -> None:
    assert cache_of(replace(TARGET, **changed)) != cache_of(TARGET)


@pytest.mark.parametrize("changed", [{"driver": "590.12"}, {"libc": "glibc-2.31"}, {"toolchain": {"nvcc": "12.6"}}])
def test_what_times_nothing_differently_shares_it(changed: dict[str, Any]) -> None:
    assert cache_of(replace(TARGET, **changed)) == cache_of(TARGET)


@pytest.mark.parametrize("target", [CPU, RTX, replace(TARGET, backend_version="7.2.3")])
def test_what_times_no_tactics_has_none(target: BuildTarget) -> None:
    assert timing_class(target) is None
    assert [key_word(use, target, None) for use in (TimingCacheUse.SHARED, TimingCacheUse.NONE)] == ["none", "none"]
    with pytest.raises(Unsupported, match="takes no timing cache"):
        key_word(TimingCacheUse.CERTIFIED, target, STATE)


def test_a_key_says_how_the_cache_is_used_and_of_a_pinned_one_which() -> None:
    assert key_word(TimingCacheUse.SHARED, TARGET, STATE) == "shared"
    assert key_word(TimingCacheUse.NONE, TARGET, STATE) == "none"
    word = key_word(TimingCacheUse.CERTIFIED, TARGET, STATE)
    assert pinned(word) == STATE
    assert pinned("shared") is None
    with pytest.raises(Unsupported, match="no timing cache is certified for NVIDIA H200"):
        key_word(TimingCacheUse.CERTIFIED, TARGET, None)
