"""The timing cache of the fleet: what tactics took on one class of device, shared by the builds of one TensorRT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

from .model import check_digest
from .states import Word

# In `input/` of a build where there is one, and in its `output/` where the build learned something.
TIMING_CACHE_FILE = "timing.cache"

_CERTIFIED = "certified:"


class TimingCacheUse(Word):
    """What a build does with the timing cache of its class: reads and extends it, nothing, or reads a pinned one."""

    SHARED = "shared"
    NONE = "none"
    CERTIFIED = "certified"


@dataclass(frozen=True)
class TimingCacheGiven:
    """The timing cache that a build is given; `sha256` is None where the fleet has none yet."""

    use: TimingCacheUse
    sha256: Optional[str] = None


@dataclass(frozen=True)
class TimingCacheSwap:
    """A build learned something: put this cache in the place of the one it grew from.

    Attributes:
        expected: Digest of what the new one holds as well; None where it began empty.
        sha256: Of the new one, whose blob is stored.
    """

    token: int
    expected: Optional[str]
    sha256: str


@dataclass(frozen=True)
class TimingCacheSwapped:
    """Whether the swap happened, and what the cache of the class is now.

    Attributes:
        sha256: Where another build was first: what to merge with, or None where somebody dropped the cache.
    """

    swapped: bool
    sha256: Optional[str]


@dataclass(frozen=True)
class TimingCacheVersion:
    """A state of a cache that is still stored, and which build on which device made it."""

    sha256: str
    size_bytes: int
    created_at: str
    device: str
    build: str


@dataclass(frozen=True)
class TimingCacheView:
    """The timing cache of one class of device and one TensorRT.

    Attributes:
        sha256: None once it was dropped, until a build makes it anew.
        certified: Digest of the state that `--timing-cache certified` pins.
        versions: Newest first.
    """

    id: str
    label: str
    sha256: Optional[str]
    size_bytes: int
    swaps: int
    updated_at: str
    certified: Optional[str] = None
    certified_at: Optional[str] = None
    certified_by: str = ""
    versions: Tuple[TimingCacheVersion, ...] = ()


def certified_word(sha256: str) -> str:
    """How a request key names a pinned cache."""
    return _CERTIFIED + check_digest(sha256)


def pinned(word: str) -> Optional[str]:
    """The digest that a request key pins; None where it pins none."""
    return word[len(_CERTIFIED) :] if word.startswith(_CERTIFIED) else None
