"""What a user means by `--targets`: words become BuildTargets, over the devices that the farm knows."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from farm.protocol.errors import Invalid, TargetUnavailable
from farm.protocol.facts import DeviceFacts
from farm.protocol.target import BuildTarget, targets_from_facts

from .filters import Filter, Sieve, Subject, is_filter, parse_filter
from .words import TargetWord

EVERYTHING = "all"


@dataclass(frozen=True)
class Offer:
    """One target that one device builds for; a recorded device only shows what would be planned."""

    device: str
    facts: DeviceFacts
    target: BuildTarget
    recorded: bool = False

    @property
    def subject(self) -> Subject:
        """What a filter looks at."""
        return Subject(self.device, self.facts, self.target)


@dataclass(frozen=True)
class Resolved:
    """One target of a submission: what to call it, what it is, who builds it (only recorded devices: nobody)."""

    word: str
    target: BuildTarget
    devices: tuple[str, ...]
    recorded: bool


def resolve(words: Sequence[str], table: Sequence[TargetWord], offers: Sequence[Offer]) -> tuple[Resolved, ...]:
    """The targets that the words mean: one for each name, each distinct one for a filter or `all`.

    Where an enrolled device matches a word, recorded ones do not count.

    Raises:
        Invalid: A filter cannot be read, or no word was given.
        TargetUnavailable: A word is unknown, matches no device, or a name matches several targets.
    """
    if not words:
        raise Invalid("no target was given", "Name one with --targets, such as --targets cpu.")
    found: list[Resolved] = []
    for word in dict.fromkeys(word.strip() for word in words):
        if word.lower() == EVERYTHING or is_filter(word):
            seen = [item.target for item in found]
            found += [item for item in _every(word, offers) if item.target not in seen]
        else:
            found.append(_named(word, table, offers))
    return tuple(found)


def served(facts: DeviceFacts, device: str, allowed: Sequence[str], table: Sequence[TargetWord]) -> list[BuildTarget]:
    """The targets a device may serve: all that its facts allow, or those its owner's words select.

    Raises: Invalid: a word is neither in the table nor a filter.
    """
    every = [Offer(device, facts, target) for target in targets_from_facts(facts)]
    if not allowed or EVERYTHING in allowed:
        return [offer.target for offer in every]
    kept: list[BuildTarget] = []
    for word in allowed:
        matching = _matching(word, table, every)
        if matching is None:
            raise Invalid(
                f"{word!r} is no target word", "`farm targets` lists them; a filter such as sm>=80 works too."
            )
        kept += [offer.target for offer in matching if offer.target not in kept]
    return kept


def matching(word: str, table: Sequence[TargetWord], offers: Sequence[Offer]) -> list[Offer]:
    """The offers that a word selects, of however many targets.

    Raises: Invalid: a filter cannot be read. TargetUnavailable: nothing has this name.
    """
    if word.lower() == EVERYTHING:
        return list(offers)
    found = _matching(word, table, offers)
    if found is None:
        raise _unknown(word, table, offers)
    return found


def one_door(offers: Sequence[Offer]) -> list[Offer]:
    """The offers without those of trtexec where the Python binding of that version is offered, too."""
    # Two doors to one runtime; the binding measures better.
    bound = [(o.target.gpu, o.target.backend_version) for o in offers if o.target.backend == "tensorrt"]
    return [o for o in offers if o.target.backend != "trtexec" or (o.target.gpu, o.target.backend_version) not in bound]


def words_of(table: Sequence[TargetWord]) -> Callable[[Offer], tuple[TargetWord, ...]]:
    """What tells which words of a table select a target of a device, however many there are of both."""
    sieve = Sieve([word.parsed for word in table])
    return lambda offer: tuple(table[at] for at in sieve.matching(offer.subject))


def _every(word: str, offers: Sequence[Offer]) -> list[Resolved]:
    matching = _preferred(offers) if word.lower() == EVERYTHING else _preferred(_filtered(word, offers))
    if not matching:
        raise TargetUnavailable(f"no device matches {word!r}", "`farm devices list` shows what there is.")
    return [replace(item, word=item.target.label()) for item in _grouped(word, matching)]


def _named(word: str, table: Sequence[TargetWord], offers: Sequence[Offer]) -> Resolved:
    matching = _matching(word, table, offers)
    if matching is None:
        raise _unknown(word, table, offers)
    groups = _grouped(word, one_door(_preferred(matching)))
    if not groups:
        raise TargetUnavailable(
            f"no device of this farm is a {word}", "Enrol one, or register its facts with `farm devices add`."
        )
    if len(groups) > 1:
        raise _ambiguous(word, groups)
    return groups[0]


def _matching(word: str, table: Sequence[TargetWord], offers: Sequence[Offer]) -> list[Offer] | None:
    """The offers a word selects; None where nothing has that name."""
    if is_filter(word):
        return _filtered(word, offers)
    folded = word.lower()
    for entry in reversed(table):  # a user's own word stands after the builtin ones and wins
        if folded in (entry.name.lower(), *(alias.lower() for alias in entry.aliases)):
            return _selected(entry.parsed, offers)
    # A retry names the target of a filter by its label.
    named = [offer for offer in offers if folded in (offer.device.lower(), offer.target.label().lower())]
    return named or None


def _filtered(text: str, offers: Sequence[Offer]) -> list[Offer]:
    return _selected(parse_filter(text), offers)


def _selected(wanted: Filter, offers: Sequence[Offer]) -> list[Offer]:
    sieve = Sieve((wanted,))
    return [offer for offer in offers if sieve.matching(offer.subject)]


def _preferred(offers: Sequence[Offer]) -> list[Offer]:
    return [offer for offer in offers if not offer.recorded] or list(offers)


def _grouped(word: str, offers: Iterable[Offer]) -> list[Resolved]:
    groups: list[Resolved] = []
    for offer in offers:
        for index, group in enumerate(groups):
            if group.target == offer.target:
                groups[index] = replace(group, devices=(*group.devices, offer.device))
                break
        else:
            groups.append(Resolved(word, offer.target, (offer.device,), offer.recorded))
    return groups


def _unknown(word: str, table: Sequence[TargetWord], offers: Sequence[Offer]) -> TargetUnavailable:
    names = [name for entry in table for name in (entry.name, *entry.aliases)]
    names += sorted({offer.device for offer in offers})
    near = difflib.get_close_matches(word.lower(), names, n=3, cutoff=0.6)
    hint = (
        f"Did you mean {' or '.join(near)}?" if near else "`farm targets` lists the words, `farm devices list` devices."
    )
    return TargetUnavailable(f"{word!r} is neither a target word nor a device", hint, candidates=near)


def _ambiguous(word: str, groups: Sequence[Resolved]) -> TargetUnavailable:
    choices = [_selector(group, groups) for group in groups]
    told = "; ".join(f"{group.target.label()} ({choice})" for group, choice in zip(groups, choices, strict=True))
    hint = f"Choose one, such as --targets '{choices[0]}'."
    return TargetUnavailable(f"{word!r} means {len(groups)} different targets: {told}", hint, candidates=choices)


def _selector(group: Resolved, groups: Sequence[Resolved]) -> str:
    """The shortest filter that selects only this one: its backend and version, or a device as well."""
    target = group.target
    text = f"backend={target.backend},version={target.backend_version}"
    if target.gpu:
        text = f"gpu={target.gpu.name},{text}"
    alike = [
        other
        for other in groups
        if (other.target.backend, other.target.backend_version, other.target.gpu and other.target.gpu.name)
        == (target.backend, target.backend_version, target.gpu and target.gpu.name)
    ]
    return f"device={group.devices[0]},{text}" if len(alike) > 1 else text
