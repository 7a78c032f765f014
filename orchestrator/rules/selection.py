"""What a user means by `--gpu` and `--target` of a list: a word, a filter, or a part of a name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from farm.protocol.facts import DeviceFacts
from farm.protocol.target import BuildTarget

from .filters import Clause, Filter, Subject, is_filter, parse_filter
from .words import TargetWord


@dataclass(frozen=True)
class Selection:
    """Either a filter, or a part of a label in lower case."""

    filter: Filter | None = None
    label: str | None = None

    def may_be_on(self, gpu: str) -> bool:
        """False where no target on a card of this name (`cpu`: on no card) can match."""
        clauses = self.filter.clauses if self.filter else ()
        return all(_names(clause, gpu.lower()) for clause in clauses if clause.attribute == "gpu")

    def matches(self, device: str, facts: DeviceFacts, target: BuildTarget) -> bool:
        """True when the filter selects this target."""
        return self.filter is not None and self.filter.matches(Subject(device, facts, target))


def selection(text: str, table: Sequence[TargetWord], of_card: bool) -> Selection:
    """What the text selects; one that is neither word nor filter is part of a card's name, or else of a label.

    Raises: Invalid: it looks like a filter and cannot be read.
    """
    if is_filter(text):
        return Selection(parse_filter(text))
    folded = text.lower()
    for word in reversed(table):
        if folded in (word.name.lower(), *(alias.lower() for alias in word.aliases)):
            return Selection(word.parsed)
    if of_card:
        return Selection(Filter((Clause("gpu", "~=", text),)))
    return Selection(label=folded)


def _names(clause: Clause, gpu: str) -> bool:
    value = clause.value.lower()
    if clause.relation == "~=":
        return value in gpu
    return (gpu == value) is (clause.relation == "=")
