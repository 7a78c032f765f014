"""Merges two timing caches of one TensorRT on one class of card; it takes that TensorRT and a driver."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Optional, Tuple, Union

from farm.backends.tensorrt.capabilities import TensorRtCapabilities
from farm.backends.tensorrt.logger import Sayings, logger
from farm.protocol.errors import BuildFailed
from worker.child.merging import Merged

from .caches import read, stand
from .library import library

log = logging.getLogger(__name__)

# How it ended, with what both hold; or why TensorRT does not take ours.
_Ended = Union[Tuple[Merged, Optional[bytes]], str]


def merge(capabilities: TensorRtCapabilities, ours: Path, theirs: Path, output: Path) -> Merged:
    """Write what both caches hold; where both hold an entry, that of the fleet stays.

    Raises: Unsupported: this TensorRT is not here. BuildFailed: it does not take ours.
    """
    ended = _with_builder(library(capabilities), ours.read_bytes(), theirs.read_bytes())
    # Raised where nothing of TensorRT's is left: its objects must end in the order of these functions.
    if isinstance(ended, str):
        raise BuildFailed(f"{capabilities.name} does not take the timing cache of this build: {ended}")
    if ended[1] is not None:
        output.write_bytes(ended[1])
    return ended[0]


def _with_builder(trt: Any, ours: bytes, theirs: bytes) -> _Ended:
    sayings = Sayings()
    heard = logger(trt, sayings)
    builder = trt.Builder(heard)
    return _with_configs(builder, ours, theirs, sayings)


def _with_configs(builder: Any, ours: bytes, theirs: bytes, sayings: Sayings) -> _Ended:
    # One for each: TensorRT 8.5 takes no second timing cache into a configuration.
    configs = builder.create_builder_config(), builder.create_builder_config()
    return _merged(configs, ours, theirs, sayings)


def _merged(configs: Tuple[Any, Any], ours: bytes, theirs: bytes, sayings: Sayings) -> _Ended:
    learned, refusal = read(configs[0], ours, sayings)
    if refusal:
        return refusal
    timing_cache, refusal = read(configs[1], theirs, sayings)
    if refusal:
        log.warning("the timing cache of the fleet is refused: %s", refusal)
        return Merged.REFUSED, None
    before = stand(timing_cache, sayings)
    if not timing_cache.combine(learned, True):
        return "; ".join(sayings.errors()) or "it cannot be combined, and TensorRT does not say why"
    after = stand(timing_cache, sayings)
    if len(after.data) == len(before.data):
        return Merged.NOTHING_NEW, None
    return Merged.BOTH, after.data
