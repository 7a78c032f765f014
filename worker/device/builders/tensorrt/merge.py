"""Merges two timing caches of one TensorRT on one class of card; it takes that TensorRT and a driver."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from farm.backends.tensorrt.capabilities import TensorRtCapabilities
from farm.backends.tensorrt.logger import Sayings, logger
from farm.protocol.errors import BuildFailed
from worker.child.merging import Merged

from .caches import read, stand
from .library import library


def merge(capabilities: TensorRtCapabilities, ours: Path, theirs: Path, output: Path) -> Merged:
    """Write what both caches hold; where both hold an entry, that of the fleet stays.

    Raises: Unsupported: this TensorRT is not here. BuildFailed: it does not take ours.
    """
    trt, sayings = library(capabilities), Sayings()
    heard = logger(trt, sayings)
    builder = trt.Builder(heard)
    config: Any = builder.create_builder_config()
    learned, refusal = read(config, ours.read_bytes(), sayings)
    if refusal:
        raise BuildFailed(f"{capabilities.name} does not take the timing cache of this build: {refusal}")
    timing_cache, refusal = read(config, theirs.read_bytes(), sayings)
    if refusal:
        return Merged.REFUSED
    before = stand(timing_cache, sayings)
    if not timing_cache.combine(learned, True):
        told = "; ".join(sayings.errors()) or "it does not say why"
        raise BuildFailed(f"{capabilities.name} does not merge the timing cache of this build: {told}")
    after = stand(timing_cache, sayings)
    if len(after.data) == len(before.data):
        return Merged.NOTHING_NEW
    output.write_bytes(after.data)
    return Merged.BOTH
