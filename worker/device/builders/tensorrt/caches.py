"""Timing caches as TensorRT takes, gives and refuses them."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Iterator, List, Optional, Sequence, Tuple

from farm.backends.tensorrt.logger import Sayings

from .myelin import without_empty_myelin

# What TensorRT says of what is no cache, or another version's; from 10 on it then answers with an empty one.
REFUSAL = re.compile(
    r"invalid timing cache(?! entry)|timing cache will not be used|failed to deserialize timing cache|"
    r"timing cache header mismatch",
    re.IGNORECASE,
)
# What a build ends with whose cache named kernels that this card does not have.
_BLAME = re.compile(r"getCaskHandle|findConvShaderByHandle|timing ?cache(?!.*_MISS)", re.IGNORECASE)
_ENTRIES = re.compile(r"(\d+) timing cache entries")


@dataclass(frozen=True)
class Stand:
    """What a cache holds; `entries` is None where this TensorRT does not tell."""

    data: bytes
    entries: Optional[int] = None


def read(config: Any, data: bytes, sayings: Sayings) -> Tuple[Any, str]:
    """The cache that these bytes are, in use by the configuration; or None and why TensorRT does not take them.

    The coordinator gives out a cache for one class of card and one TensorRT only. What TensorRT sees beyond that, such
    as the serial number of the card it was made on, is no reason against it.
    """
    found, said = _tried(config, without_empty_myelin(data), sayings)
    # Told by the caller; what fails later has reasons of its own.
    sayings.forget()
    if found is not None:
        return found, ""
    return None, next(filter(REFUSAL.search, said), said[-1] if said else "it does not say why")


def _tried(config: Any, data: bytes, sayings: Sayings) -> Tuple[Any, List[str]]:
    """The cache that these bytes are, or None; and all that TensorRT said of them."""
    with heard(sayings) as said:
        found = config.create_timing_cache(data)
        taken = found is not None and config.set_timing_cache(found, True)
    refused = data and any(map(REFUSAL.search, said))
    return (found if taken and not refused else None), said


def stand(timing_cache: Any, sayings: Sayings) -> Stand:
    """What a cache holds now."""
    with heard(sayings) as said:
        data = bytes(timing_cache.serialize())
    counts = [found.group(1) for found in map(_ENTRIES.search, said) if found]
    return Stand(data, int(counts[-1]) if counts else None)


def is_blamed(errors: Sequence[str]) -> bool:
    """A build with a given cache that failed with these errors may do better without."""
    return any(_BLAME.search(text) for text in errors)


@contextmanager
def heard(sayings: Sayings) -> Iterator[List[str]]:
    """What TensorRT says inside the block."""
    said: List[str] = []
    # A bound method is another object each time it is asked for.
    listen = said.append
    sayings.watches.append(listen)
    try:
        yield said
    finally:
        sayings.watches.remove(listen)
