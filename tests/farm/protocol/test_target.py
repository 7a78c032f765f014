from __future__ import annotations

from dataclasses import replace

from farm.protocol.facts import BackendFacts, CpuFacts, DeviceFacts, GpuFacts
from farm.protocol.target import targets_from_facts

HERE = DeviceFacts("box", "linux-x86_64", "Debian", "glibc-2.36", "3.11.2", CpuFacts("EPYC", 2, ("avx2",)), 1 << 30)
CARD = GpuFacts("NVIDIA RTX 4090", "8.9", 24 << 30)
RTX = BackendFacts("tensorrt_rtx", "1.7.1.116")


def test_what_is_built_ahead_of_time_needs_no_card_and_is_one_target_wherever_it_is_built() -> None:
    alone = replace(HERE, backends=(RTX,))
    beside = replace(alone, gpus=(CARD, replace(CARD, name="NVIDIA RTX 3060")), driver="580.1", cuda="13.0")
    (target,) = targets_from_facts(alone)
    assert targets_from_facts(beside) == (target,)
    assert (target.gpu, target.card) == (None, "ahead of time")
    assert target.label() == "ahead of time · tensorrt_rtx 1.7.1.116"


def test_a_card_is_a_target_of_each_runtime_that_builds_on_it() -> None:
    both = (BackendFacts("tensorrt", "10.4.0.26"), BackendFacts("onnxruntime", "1.31.1"))
    found = targets_from_facts(replace(HERE, gpus=(CARD, CARD), backends=both))
    assert [item.label() for item in found] == ["NVIDIA RTX 4090 · tensorrt 10.4.0.26", "cpu avx2 · onnxruntime 1.31.1"]
