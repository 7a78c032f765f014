"""What a build gives up, step by step, when the memory of the device is not enough for it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Iterator, Optional, Sequence, Tuple

from farm.backends.tensorrt.capabilities import TensorRtCapabilities

# A smaller workspace than this leaves hardly any tactic for large convolutions.
SMALL_WORKSPACE_BYTES = 256 << 20
_LOW_LEVEL = 1
_OUT_OF_MEMORY = re.compile(
    r"out ?of ?memory|insufficient memory|memory is insufficient|bad_alloc|cudaErrorMemoryAllocation|"
    r"failed to allocate|cannot allocate memory|MEM_ALLOC_FAILED",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Rung:
    """How much a build may use.

    Attributes:
        name: What it is, for people.
        workspace_bytes: None leaves TensorRT's own limit: all memory of the device.
        level: Of optimisation; None leaves TensorRT's own.
        tactic_sources: Names; None leaves TensorRT's own.
    """

    name: str
    workspace_bytes: Optional[int] = None
    level: Optional[int] = None
    tactic_sources: Optional[Tuple[str, ...]] = None


def rungs(asked: Rung, capabilities: TensorRtCapabilities) -> Iterator[Rung]:
    """What is asked for, and then less and less; each rung keeps what those above it gave up."""
    yield asked
    rung = asked
    if rung.workspace_bytes is None or rung.workspace_bytes > SMALL_WORKSPACE_BYTES:
        rung = replace(rung, name="smaller workspace", workspace_bytes=SMALL_WORKSPACE_BYTES)
        yield rung
    usual = 3 if rung.level is None else rung.level
    if capabilities.optimization_levels and usual > _LOW_LEVEL:
        rung = replace(rung, name="lower optimisation level", level=_LOW_LEVEL)
        yield rung
    sources = capabilities.default_tactic_sources if rung.tactic_sources is None else rung.tactic_sources
    # TensorRT for RTX has names for them, and times nothing while it builds.
    if sources and not capabilities.rtx:
        yield replace(rung, name="fewer tactic sources", tactic_sources=())


def missing_rungs(capabilities: TensorRtCapabilities) -> Tuple[str, ...]:
    """The rungs that a version has not, and why: what could not even be tried."""
    found = []
    if not capabilities.optimization_levels:
        found.append("lower optimisation level: this version has none")
    if capabilities.rtx:
        found.append("fewer tactic sources: it times no tactics")
    return tuple(found)


def is_out_of_memory(errors: Sequence[str]) -> bool:
    """These errors of TensorRT mean that memory was not enough.

    A workspace that the user made too small is none of them: less of it would not help.
    """
    return any(_OUT_OF_MEMORY.search(text) for text in errors)
