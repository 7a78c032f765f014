"""Everything the table says a version has is in NVIDIA's bindings, and what it says is gone is gone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from farm.backends.tensorrt import SYMBOLS, TensorRtCapabilities, capabilities_of
from tests.support.tensorrt_bindings import Bindings, Seen, look

from .signature import signatures, takes

CUDA12 = "tensorrt-cu12-bindings"
RTX = "tensorrt-rtx-cu13-bindings"
# The generation of Xavier came as one wheel with its libraries, and for no Python newer than 3.10.
XAVIER = Bindings("tensorrt", "8.5.3.1", python="3.9")
PUBLISHED = (
    Bindings("tensorrt-bindings", "8.6.1"),
    *(Bindings(CUDA12, version) for version in ("10.0.1", "10.4.0", "10.8.0.43", "10.16.1.11")),
    *(Bindings(CUDA12, version) for version in ("11.0.0.114", "11.1.0.106", "11.4.0.106", "")),
    *(Bindings(RTX, version, rtx=True) for version in ("1.5.0.114", "1.7.1.116", "")),
)
TACTIC_SOURCES = sorted(name for name in SYMBOLS if name.startswith("TacticSource."))


@pytest.mark.parametrize("bindings", PUBLISHED, ids=str)
def test_the_table_is_that_of_the_bindings(bindings: Bindings) -> None:
    assert differences(look(bindings, SYMBOLS, os.environ), bindings) == []


@pytest.mark.slow
def test_the_table_is_that_of_the_generation_of_xavier(python39: Path) -> None:
    assert differences(look(XAVIER, SYMBOLS, os.environ, python39), XAVIER) == []


def differences(seen: Seen, bindings: Bindings) -> list[str]:
    """Where table and bindings contradict each other, a line each."""
    can = capabilities_of(seen.version, bindings.rtx)
    told = [line for name in SYMBOLS for line in _difference(name, seen, can)]
    if not bindings.rtx:
        told += _default_sources(seen, can)
    return told


def _difference(name: str, seen: Seen, can: TensorRtCapabilities) -> list[str]:
    if can.has(name) != (name in seen.symbols):
        return [f"{can.name}: {name} is {'missing' if can.has(name) else 'there, though the table says it is not'}"]
    if not can.has(name):
        return []
    kind, text = seen.symbols[name]
    symbol = SYMBOLS[name]
    if symbol.writable and kind != "settable":
        return [f"{can.name}: {name} cannot be set"]
    overloads = signatures(text, name.rpartition(".")[2])
    if symbol.takes is not None and not takes(overloads, symbol.takes):
        return [f"{can.name}: {name} does not take {symbol.takes}: {text[:200]!r}"]
    return []


def _default_sources(seen: Seen, can: TensorRtCapabilities) -> list[str]:
    """The documentation of `TacticSource` says which of its members are on by default."""
    there = [source for source in TACTIC_SOURCES if source in seen.symbols]
    _, text = seen.symbols[there[0]]
    told = []
    for name in (source.rpartition(".")[2] for source in there):
        said = text.split(f"  {name} : ")[1].split(" : ")[0]
        on = "nabled by default" in said or "Enabled for x86 platforms" in said
        if on != (name in can.default_tactic_sources):
            told.append(f"{can.name}: {name} is {'on' if on else 'off'} by default")
    return told
