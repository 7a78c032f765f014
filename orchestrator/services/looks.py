"""What devices build for, in words, found once: lists ask for a thousand devices at a time that hardly ever change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from farm.protocol.facts import DeviceFacts
from farm.protocol.target import BuildTarget
from orchestrator.rules.targets import Offer, words_of
from orchestrator.rules.words import TargetWord

# More than a fleet has.
_MOST = 8192


@dataclass(frozen=True)
class Look:
    """The targets of one device.

    Attributes:
        labels: Of its targets, in their order.
        words: Each target word that selects any of them.
    """

    labels: tuple[str, ...]
    words: tuple[str, ...]


class Looks:
    """The looks of devices under one table of target words."""

    def __init__(self, table: Sequence[TargetWord]) -> None:
        self._words = words_of(table)
        self._known: dict[str, tuple[DeviceFacts, tuple[BuildTarget, ...], Look]] = {}

    def of(self, device: str, facts: DeviceFacts, targets: tuple[BuildTarget, ...]) -> Look:
        """The look of a device. What did not change is told by what its columns were parsed into."""
        facts_before, targets_before, look = self._known.get(device, (None, (), None))
        if look is not None and facts_before is facts and targets_before == targets:
            return look
        if len(self._known) >= _MOST:
            self._known.clear()
        look = self._look(device, facts, targets)
        self._known[device] = (facts, targets, look)
        return look

    def _look(self, device: str, facts: DeviceFacts, targets: tuple[BuildTarget, ...]) -> Look:
        selecting = (self._words(Offer(device, facts, target)) for target in targets)
        words = dict.fromkeys(word.name for found in selecting for word in found)
        return Look(tuple(target.label() for target in targets), tuple(words))


@lru_cache(maxsize=4)
def looks_under(table: tuple[TargetWord, ...]) -> Looks:
    """The looks under a table, kept as long as the farm has that table."""
    return Looks(table)
