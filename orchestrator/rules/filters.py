"""Attribute filters such as `sm>=80,mem>=16GiB,gpu~=RTX`: all clauses must hold."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from farm.protocol.errors import Invalid
from farm.protocol.facts import DeviceFacts
from farm.protocol.target import BuildTarget

_CLAUSE = re.compile(r"\s*([a-z][a-z0-9_]*)\s*(>=|<=|!=|~=|==|=|>|<)\s*(.*?)\s*", re.IGNORECASE)
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)(ib|b|)", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_ORDER: dict[str, Callable[[object, object], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,  # type: ignore[dict-item]  # both sides have one type
    "<=": operator.le,  # type: ignore[dict-item]  # likewise
    ">": operator.gt,  # type: ignore[dict-item]  # likewise
    "<": operator.lt,  # type: ignore[dict-item]  # likewise
}


@dataclass(frozen=True)
class Subject:
    """What a filter looks at: one target of one device."""

    device: str
    facts: DeviceFacts
    target: BuildTarget


Value = str | int | tuple[str, ...] | None


@dataclass(frozen=True)
class Attribute:
    """A word on the left side of a clause; `kind` says how its values compare."""

    kind: str
    read: Callable[[Subject], Value]
    meaning: str


def _compute_capability(subject: Subject) -> str | None:
    return subject.target.gpu.compute_capability if subject.target.gpu else None


def _sm(subject: Subject) -> int | None:
    told = _compute_capability(subject)
    return int(told.replace(".", "")) if told else None


def _memory(subject: Subject) -> int:
    return subject.target.gpu.memory_bytes if subject.target.gpu else subject.facts.memory_bytes


ATTRIBUTES: dict[str, Attribute] = {
    "sm": Attribute("number", _sm, "compute capability without its dot, such as 86"),
    "cc": Attribute("version", _compute_capability, "compute capability, such as 8.6"),
    "sms": Attribute("number", lambda s: s.target.gpu.sm_count if s.target.gpu else None, "multiprocessors"),
    "mem": Attribute("size", _memory, "memory of the card, or of the machine for a processor target"),
    "ram": Attribute("size", lambda s: s.facts.memory_bytes, "memory of the machine"),
    "gpu": Attribute("text", lambda s: s.target.card, "name of the card, or cpu"),
    "mig": Attribute("text", lambda s: s.target.gpu.mig_profile if s.target.gpu else None, "MIG slice"),
    "cpu": Attribute("text", lambda s: s.facts.cpu.model, "model of the processor"),
    "cores": Attribute("number", lambda s: s.facts.cpu.cores, "logical processors"),
    "isa": Attribute("set", lambda s: s.facts.cpu.instruction_sets, "instruction set of the processor"),
    "device": Attribute("text", lambda s: s.device, "name of the device"),
    "backend": Attribute("text", lambda s: s.target.backend, "builder, such as tensorrt"),
    "version": Attribute("version", lambda s: s.target.backend_version, "version of the builder's runtime"),
    "platform": Attribute("text", lambda s: s.target.platform, "such as linux-aarch64"),
    "libc": Attribute("text", lambda s: s.target.libc, "such as glibc-2.36"),
    "os": Attribute("text", lambda s: s.facts.os, "name of the system"),
    "cuda": Attribute("version", lambda s: s.target.cuda, "CUDA toolkit"),
    "driver": Attribute("version", lambda s: s.target.driver, "driver of the card"),
    "l4t": Attribute("version", lambda s: s.target.l4t, "L4T of a Jetson"),
    "jetpack": Attribute("version", lambda s: s.facts.jetpack, "JetPack of a Jetson"),
    "power": Attribute("text", lambda s: s.target.power_mode, "power mode of a Jetson"),
}


@dataclass(frozen=True)
class Clause:
    """One comparison. Texts compare without case; `~=` is "contains"."""

    attribute: str
    relation: str
    value: str

    def holds(self, subject: Subject) -> bool:
        """True when the subject has the attribute and it compares so; an absent one is only `!=`."""
        known = ATTRIBUTES[self.attribute]
        found = known.read(subject)
        if found is None:
            return self.relation == "!="
        if self.relation == "~=":
            texts = found if isinstance(found, tuple) else (str(found),)
            return any(self.value.lower() in text.lower() for text in texts)
        if known.kind == "set" and isinstance(found, tuple):
            return (self.value.lower() in found) is (self.relation == "=")
        return _ORDER[self.relation](*_comparable(known.kind, found, self.value))


@dataclass(frozen=True)
class Filter:
    """Clauses that must all hold."""

    clauses: tuple[Clause, ...]

    def matches(self, subject: Subject) -> bool:
        """True when every clause holds."""
        return all(clause.holds(subject) for clause in self.clauses)

    def __str__(self) -> str:
        return ",".join(f"{clause.attribute}{clause.relation}{clause.value}" for clause in self.clauses)


class Sieve:
    """Tells which of some filters match; subjects that look the same to all of them are compared once."""

    def __init__(self, filters: Sequence[Filter]) -> None:
        self._filters = tuple(filters)
        attributes = {clause.attribute for item in filters for clause in item.clauses}
        self._reads = tuple(ATTRIBUTES[name].read for name in sorted(attributes))
        self._known: dict[tuple[Value, ...], tuple[int, ...]] = {}

    def matching(self, subject: Subject) -> tuple[int, ...]:
        """The places of the filters that match this subject."""
        looks = tuple(read(subject) for read in self._reads)
        if looks not in self._known:
            self._known[looks] = tuple(at for at, item in enumerate(self._filters) if item.matches(subject))
        return self._known[looks]


def is_filter(text: str) -> bool:
    """True for a text that can only be meant as a filter: no name has a comparison in it."""
    return any(sign in text for sign in "=<>~!")


# A table of words is the same few texts for every target of a fleet.
@lru_cache(maxsize=1024)
def parse_filter(text: str) -> Filter:
    """The filter that a text spells; `str` of it parses to the same.

    Raises: Invalid: names the clause, and what could stand there.
    """
    return Filter(tuple(_clause(part) for part in text.split(",")))


def _clause(text: str) -> Clause:
    match = _CLAUSE.fullmatch(text)
    if match is None or not match[3]:
        raise Invalid(f"{text!r} is not a clause of a filter", "Write filters as sm>=80,mem>=16GiB,gpu~=RTX.")
    name, relation, value = match[1].lower(), match[2].replace("==", "="), match[3]
    known = ATTRIBUTES.get(name)
    if known is None:
        raise Invalid(f"filters know no {name!r}", f"Use one of {', '.join(ATTRIBUTES)}.")
    if known.kind in ("text", "set") and relation not in ("=", "!=", "~="):
        raise Invalid(
            f"{name} is text and cannot be compared by {relation}", f"Write {name}={value} or {name}~={value}."
        )
    if relation != "~=":
        _comparable(known.kind, value, value)
    return Clause(name, relation, value)


def _comparable(kind: str, found: Value, wanted: str) -> tuple[object, object]:
    if kind == "number":
        return _whole(found), _whole(wanted)
    if kind == "size":
        return _size(str(found)), _size(wanted)
    if kind == "version":
        # As far as the user wrote it: 8.5.2 is neither above nor below 8.5.
        parts = _version(wanted)
        return (_numbers(str(found)) + (0,) * len(parts))[: len(parts)], parts
    return str(found).lower(), wanted.lower()


def _whole(value: Value) -> int:
    told = str(value)
    if not re.fullmatch(r"[0-9]{1,18}", told):
        raise Invalid(f"{told!r} is not a whole number", "Write for instance sm>=80.")
    return int(told)


def _size(text: str) -> float:
    match = _SIZE.fullmatch(text)
    if match is None:
        raise Invalid(f"{text!r} is not a size", "Write for instance 16GiB, 16GB or 512MiB.")
    base = 1000 if match[3].lower() == "b" and match[2] else 1024
    return float(match[1]) * float(base ** _POWERS[match[2].lower()])


def _version(text: str) -> tuple[int, ...]:
    if not re.match(r"[0-9]", text):
        raise Invalid(f"{text!r} is not a version", "Write for instance version>=8.5.")
    return _numbers(text)


def _numbers(text: str) -> tuple[int, ...]:
    numbers = (re.match(r"[0-9]*", part) for part in text.split("."))
    return tuple(int(match[0]) for match in numbers if match and match[0])
