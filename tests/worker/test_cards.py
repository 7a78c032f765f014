from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Tuple

import pytest

from farm.protocol.codec import loads
from farm.protocol.facts import DeviceFacts, GpuFacts
from worker.cards import card_of, environ_of

CARDS = tuple(GpuFacts("NVIDIA H200", "9.0", 150 << 30, 132, uuid=f"GPU-{number}") for number in range(2))


def machine(*cards: GpuFacts) -> DeviceFacts:
    text = (Path(__file__).parents[1] / "data/facts/h200.json").read_bytes()
    return replace(loads(DeviceFacts, text), gpus=cards)


@pytest.mark.parametrize(
    ("slot", "uuid"), [("gpu0", "GPU-0"), ("gpu1", "GPU-1"), ("gpu2", ""), ("cpu0", ""), ("x", "")]
)
def test_a_slot_is_one_card_or_none(slot: str, uuid: str) -> None:
    card = card_of(slot, machine(*CARDS))
    assert (card.uuid if card else "") == uuid


@pytest.mark.parametrize(
    ("slot", "cards", "seen"),
    [("gpu1", CARDS, "GPU-1"), ("gpu0", CARDS[:1], "old"), ("cpu0", CARDS, "old"), ("gpu0", (), "old")],
)
def test_children_see_only_the_card_of_their_slot(slot: str, cards: Tuple[GpuFacts, ...], seen: str) -> None:
    found = environ_of(slot, machine(*cards), {"CUDA_VISIBLE_DEVICES": "old", "PATH": "/bin"})
    assert found == {"CUDA_VISIBLE_DEVICES": seen, "PATH": "/bin"}
