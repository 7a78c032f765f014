"""Which facts can be true. What a device tells is stored, compared and shown, so that nonsense must not get in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from farm.protocol.codec import to_json
from farm.protocol.errors import Invalid
from farm.protocol.facts import DeviceFacts

_CAPABILITY = re.compile(r"[1-9][0-9]{0,2}\.[0-9]{1,2}")
_PLATFORM = re.compile(r"[a-z0-9]+-[a-z0-9_]+")
_BACKEND = re.compile(r"[a-z][a-z0-9_]{0,31}")
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+_-]{0,63}")

_LONGEST = 128
_MOST = 256
_LARGEST = 2**53


def check_facts(facts: DeviceFacts) -> DeviceFacts:
    """The facts, if they can be those of a machine.

    Raises: Invalid: names the fact.
    """
    for wrong in (*_impossible(facts), *_unstorable(to_json(facts), "facts")):
        raise Invalid(f"the facts cannot be true: {wrong}", "Probe the device again with this version of farm.")
    return facts


def _impossible(facts: DeviceFacts) -> Iterator[str]:
    if not _PLATFORM.fullmatch(facts.platform):
        yield f"{facts.platform[:40]!r} is no platform"
    for gpu in facts.gpus:
        if not _CAPABILITY.fullmatch(gpu.compute_capability):
            yield f"{gpu.compute_capability[:40]!r} is no compute capability"
        if not gpu.name.strip():
            yield "a card has no name"
    for backend in facts.backends:
        if not _BACKEND.fullmatch(backend.name):
            yield f"{backend.name[:40]!r} is no backend"
        if not _VERSION.fullmatch(backend.version):
            yield f"{backend.version[:40]!r} is no version of {backend.name}"


def _unstorable(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, str) and (len(value) > _LONGEST or not value.isprintable()):
        yield f"{path} is longer than {_LONGEST} characters or not printable"
    elif isinstance(value, (int, float)) and not 0 <= value <= _LARGEST:
        yield f"{path} is {value}"
    elif isinstance(value, (list, dict)) and len(value) > _MOST:
        yield f"{path} has {len(value)} entries"
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unstorable(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _unstorable(name, path)
            yield from _unstorable(item, f"{path}.{name}")
