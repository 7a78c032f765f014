from __future__ import annotations

from dataclasses import replace

from farm.protocol.target import targets_from_facts
from orchestrator.rules.words import BUILTIN, TargetWord
from orchestrator.services.looks import Looks, looks_under
from tests.support.coordinator import gpu_facts

OWN = TargetWord("large", "mem>=60GiB", (), "", builtin=False)


def test_a_device_looks_the_same_until_its_facts_change() -> None:
    looks, facts = Looks(BUILTIN), gpu_facts("NVIDIA H200", "9.0", "10.4.0.26")
    targets = tuple(targets_from_facts(facts))
    look = looks.of("box", facts, targets)
    assert "h200" in look.words
    assert look.labels == tuple(target.label() for target in targets)
    assert looks.of("box", facts, targets) is look
    other = gpu_facts("Tesla T4", "7.5", "10.4.0.26")
    assert "h200" not in looks.of("box", other, tuple(targets_from_facts(other))).words


def test_a_target_that_was_taken_away_is_not_shown() -> None:
    looks, facts = Looks(BUILTIN), gpu_facts("NVIDIA H200", "9.0", "10.4.0.26")
    targets = tuple(targets_from_facts(facts))
    assert looks.of("box", facts, targets).labels
    assert looks.of("box", facts, ()).labels == ()


def test_a_new_word_selects_what_was_seen_before() -> None:
    facts = gpu_facts("NVIDIA H200", "9.0", "10.4.0.26")
    facts = replace(facts, gpus=tuple(replace(gpu, memory_bytes=141 << 30) for gpu in facts.gpus))
    targets = tuple(targets_from_facts(facts))
    assert "large" not in looks_under(BUILTIN).of("box", facts, targets).words
    assert "large" in looks_under((*BUILTIN, OWN)).of("box", facts, targets).words
    assert looks_under(BUILTIN) is looks_under(tuple(BUILTIN))
