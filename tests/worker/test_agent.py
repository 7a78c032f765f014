"""What a worker tells of its machine, and when it does not look."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any, Dict, List, Sequence

import pytest

from farm.device import telemetry
from farm.protocol.facts import GpuFacts
from farm.protocol.states import State
from worker.agent import Agent


def test_the_sampler_pauses_while_any_slot_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    samples: List[Dict[str, float]] = []

    def sample(machine: None, uuids: Sequence[str]) -> Dict[str, float]:
        assert uuids == ("GPU-1",), "its own cards, not those that are hidden from it"
        samples.append({"gpu0_clock_mhz": 1000.0 + len(samples)})
        return samples[-1]

    monkeypatch.setattr(telemetry, "sample", sample)
    nothing: Any = None
    card = GpuFacts("NVIDIA H200", "9.0", 1 << 37, 132, "GPU-1")
    enrolment: Any = SimpleNamespace(facts=SimpleNamespace(gpus=(card,)))
    agent = Agent(nothing, enrolment, {}, threading.Event())
    slots = [SimpleNamespace(stage=None), SimpleNamespace(stage=State.BUILDING)]
    agent._slots = slots  # type: ignore[assignment]  # only their stages are asked for
    before = agent._beat()
    assert (before.telemetry, len(samples)) == ({"gpu0_clock_mhz": 1000.0}, 1)
    slots[0].stage = State.BENCHMARKING
    during = agent._beat()
    assert (during.telemetry, len(samples)) == (before.telemetry, 1), "a sample wakes the card"
    assert during.sampled_s_ago > before.sampled_s_ago
    slots[0].stage = State.PUBLISHING
    assert agent._beat().telemetry == {"gpu0_clock_mhz": 1001.0}
