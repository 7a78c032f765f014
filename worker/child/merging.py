"""What a merge child is told in `spec.json`, and what it leaves in `result.json`."""

from __future__ import annotations

from dataclasses import dataclass

from farm.protocol.states import Word
from farm.protocol.target import BuildTarget

# In `input/` of a merge.
OURS_FILE = "ours.cache"
THEIRS_FILE = "theirs.cache"


@dataclass(frozen=True)
class MergeWork:
    """Two timing caches of this target are to become one."""

    target: BuildTarget


class Merged(Word):
    """How a merge ended: a file holds what both hold, ours adds nothing, or theirs cannot be read."""

    BOTH = "both"
    NOTHING_NEW = "nothing new"
    REFUSED = "refused"


@dataclass(frozen=True)
class MergeResult:
    """How it ended."""

    ended: Merged
