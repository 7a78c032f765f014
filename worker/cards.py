"""Which card a slot stands for."""

from __future__ import annotations

import re
from typing import Mapping, Optional

from farm.protocol.facts import DeviceFacts, GpuFacts

_SLOT = re.compile(r"gpu(\d+)")
_VISIBLE = "CUDA_VISIBLE_DEVICES"


def card_of(slot: str, facts: DeviceFacts) -> Optional[GpuFacts]:
    """The card of a slot such as `gpu0`; None for the processor, and for a name that counts no card of this machine."""
    counted = _SLOT.fullmatch(slot)
    number = int(counted.group(1)) if counted else len(facts.gpus)
    return facts.gpus[number] if number < len(facts.gpus) else None


def environ_of(slot: str, facts: DeviceFacts, environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment for children of a slot: of several cards they see only their own."""
    card = card_of(slot, facts)
    if card is None or not card.uuid or len(facts.gpus) < 2:
        return environ
    return {**environ, _VISIBLE: card.uuid}
