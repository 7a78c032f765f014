"""The timing cache of the fleet at one lease: brought before the build, and given what the build learned after it.

Sharing is one digest in the place of another. Where another build was first, what both learned is merged and offered
again. Nothing here costs a build more than its time: whatever goes wrong is a sentence in its log.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Callable, Optional

from farm.filehash import file_ref
from farm.protocol.errors import BlobCorrupt, FarmError, Forbidden, LeaseLost, NotFound
from farm.protocol.timing import (
    TIMING_CACHE_FILE,
    TimingCacheGiven,
    TimingCacheSwap,
    TimingCacheSwapped,
    TimingCacheUse,
)
from worker.child.merging import OURS_FILE, THEIRS_FILE, Merged

from .exchange import Exchange
from .patience import GaveUp

# Each lost race means that another build of the same class ended at this very moment.
_TRIES = 5
_WHAT = "the timing cache"

# Merges what lies in `input/` of a folder into its `output/`. Raises: FarmError, OSError.
Merge = Callable[[Path], Merged]


class FleetCache:
    """The timing cache of the class of a build.

    Args:
        exchange: Of the lease, whose build says which cache it is.
        merge: See `Merge`.
        say: Told each sentence that the log of the build should have.
    """

    def __init__(
        self,
        exchange: Exchange,
        merge: Merge,
        say: Callable[[str], None],
    ) -> None:
        self._exchange = exchange
        self._merge = merge
        self._say = say

    def bring(self, given: Optional[TimingCacheGiven], path: Path) -> None:
        """Put what a build may begin with at `path`; a certified one is not optional, and comes with its other inputs.

        Raises: LeaseLost, GaveUp: the work has to stop. Broken
        """
        if given is None or given.sha256 is None or given.use is not TimingCacheUse.SHARED:
            return
        try:
            self._exchange.fetch(given.sha256, path, _WHAT)
        except (NotFound, BlobCorrupt, Forbidden) as error:
            self._say(f"begins without the timing cache of the fleet: {error.message}")

    def share(self, learned: Path, grew_from: Optional[str], folder: Path) -> None:
        """Put what a build learned into the timing cache of its class.

        Args:
            learned: The cache as the build left it.
            grew_from: Digest of what it holds as well; None where the build began empty.
            folder: For merging.

        Raises: LeaseLost, GaveUp: the work has to stop.
        """
        try:
            self._say(self._share(learned, grew_from, folder))
        except (LeaseLost, GaveUp):
            raise
        except (FarmError, OSError) as error:
            self._say(f"what this build learned was not shared: {getattr(error, 'message', error)}")

    def _share(self, ours: Path, expected: Optional[str], folder: Path) -> str:
        """What came of it, as a sentence."""
        for number in range(_TRIES):
            told = self._swap(ours, expected)
            if told.swapped:
                others = "another build" if number == 1 else f"{number} other builds"
                merged = f", merged with what {others} had shared first" if number else ""
                size_bytes = ours.stat().st_size
                return f"the timing cache of the fleet holds what this build learned: {size_bytes} bytes{merged}"
            if told.sha256 is None:
                return "the timing cache was dropped meanwhile, so what this build learned from it is not shared"
            expected = told.sha256
            merging = folder / f"merge-{number}"
            ended = self._merged(ours, expected, merging)
            if ended is Merged.NOTHING_NEW:
                return "the timing cache of the fleet holds what this build learned already"
            if ended is Merged.BOTH:
                ours = merging / "output" / TIMING_CACHE_FILE
            else:
                self._say("the timing cache of the fleet cannot be used here, so that of this build takes its place")
        return f"what this build learned was not shared: {_TRIES} others were first, one after the other"

    def _swap(self, ours: Path, expected: Optional[str]) -> TimingCacheSwapped:
        ref, line = file_ref(ours), self._exchange.line

        def ask() -> TimingCacheSwapped:
            self._exchange.send(ours.parent, (ref,))
            return line.swap_timing_cache(TimingCacheSwap(line.lease.token, expected, ref.sha256))

        return self._exchange.call(ask, f"sharing {_WHAT}")

    def _merged(self, ours: Path, sha256: str, folder: Path) -> Merged:
        """How merging with the fleet's cache ended; what cannot be fetched is as good as refused."""
        for name in ("input", "output"):
            (folder / name).mkdir(parents=True)
        try:
            self._exchange.fetch(sha256, folder / "input" / THEIRS_FILE, _WHAT)
        except (NotFound, BlobCorrupt):
            return Merged.REFUSED
        shutil.copyfile(str(ours), str(folder / "input" / OURS_FILE))
        return self._merge(folder)
