"""The timing cache of the fleet inside one build: what it begins with, what it learns, and what TensorRT says of it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Dict, Optional, Sequence

from farm.backends.tensorrt.logger import Sayings
from farm.protocol.errors import BuildFailed

from ..base import TimingOrder
from .caches import REFUSAL, Stand, is_blamed, read, stand

log = logging.getLogger(__name__)

_HOW = "Drop it with farm timing-caches drop if it is at fault."


class Choices:
    """Counts in TensorRT's verbose log what it had to choose, and for how much of that it timed anything.

    What it did not time was known: from the cache of the fleet, from a layer alike before, or since only one tactic
    fits. Its log tells no more than that.
    """

    def __init__(self) -> None:
        self.found = 0
        self.timed = 0
        self.tactics = 0
        self._open = False

    def look(self, text: str) -> None:
        """A line of the log: TensorRT says a million of them, so that each test costs."""
        head = text[:8]
        if head == "Tactic: ":
            if " Time: " in text:
                self.tactics += 1
                if self._open:
                    self.timed += 1
                    self._open = False
        elif head == "********" and "Autotuning" in text:
            self.found += 1
            self._open = True


class Timing:
    """One timing cache for all rungs of a build: what the first of them timed, the next need not.

    Args:
        order: What the build is given; None leaves TensorRT to time everything by itself.
        sayings: What TensorRT says.
    """

    def __init__(self, order: Optional[TimingOrder], sayings: Sayings) -> None:
        self._order = order
        self._sayings = sayings
        self._timing_cache: Any = None
        self._began = Stand(b"")
        self._grew_from: Optional[str] = None
        self._refusal = ""
        self._off = False
        self.choices = Choices()

    def attach(self, config: Any) -> None:
        """Let a configuration read and extend the cache.

        Raises: BuildFailed: the cache is certified, and not there, or TensorRT does not take it.
        """
        order = self._order
        if order is None or self._off:
            return
        if self._timing_cache is not None:
            config.set_timing_cache(self._timing_cache, True)
            return
        if order.certified and order.given is None:
            raise BuildFailed("the certified timing cache is not there", "Submit it again.")
        if order.given is not None:
            data = order.given.read_bytes()
            self._timing_cache, refusal = read(config, data, self._sayings)
            if refusal:
                self._refuse(refusal)
            else:
                self._grew_from = order.sha256
                log.info("timing cache: begins with %d bytes of the fleet's", len(data))
        if self._timing_cache is None:
            self._timing_cache, refusal = read(config, b"", self._sayings)
            if refusal:
                log.warning(
                    "timing cache: TensorRT takes no empty one either; what it learns is not shared: %s", refusal
                )
                self._refusal = self._refusal or refusal
                self._off = True
                return
        self._began = stand(self._timing_cache, self._sayings)

    def blamed(self, errors: Sequence[str]) -> bool:
        """A build that failed with these errors may do better without what it was given."""
        if self._order is None or self._order.certified or self._grew_from is None:
            return False
        return is_blamed(errors)

    def abandon(self, why: str) -> None:
        """Begin again with an empty cache."""
        self._refuse(why)
        self._timing_cache = self._grew_from = None
        self._order = TimingOrder(None, None, certified=False)

    def watch(self, text: str) -> None:
        """A line of TensorRT's log while it builds."""
        self.choices.look(text)
        # Of a million lines hardly one is about it.
        if "iming cache" in text and not self._refusal and self._order is not None and REFUSAL.search(text):
            self._refusal = text

    def told(self) -> Dict[str, Any]:
        """What happened, for the manifest."""
        found: Dict[str, Any] = {"use": self._use()}
        if self._timing_cache is not None:
            ended = stand(self._timing_cache, self._sayings)
            found.update(began_bytes=len(self._began.data), ended_bytes=len(ended.data))
            if ended.entries is not None and self._began.entries is not None:
                found.update(began_entries=self._began.entries, ended_entries=ended.entries)
        if self._grew_from:
            found["sha256"] = self._grew_from
        if self._refusal:
            found["refused"] = self._refusal[:300]
        choices = self.choices
        if choices.found:
            found.update(choices=choices.found, choices_timed=choices.timed, tactics_timed=choices.tactics)
        return found

    def keep(self, path: Path) -> bool:
        """Write the cache where the build learned something that others may be given; false where not."""
        if self._timing_cache is None or self._order is None or self._order.certified:
            return False
        data = stand(self._timing_cache, self._sayings).data
        if len(data) == len(self._began.data):
            return False
        path.write_bytes(data)
        return True

    @property
    def grew_from(self) -> Optional[str]:
        """Digest of the cache that the build began with; None where it began empty."""
        return self._grew_from

    def _use(self) -> str:
        if self._order is None:
            return "none"
        return "certified" if self._order.certified else "shared"

    def _refuse(self, why: str) -> None:
        """Say that the cache cannot be used; the build goes on without it, unless it is what the key promises."""
        self._refusal = why
        if self._order is not None and self._order.certified:
            raise BuildFailed(f"TensorRT does not take the certified timing cache: {why[:300]}", "Certify another one.")
        log.warning("timing cache: TensorRT does not take the fleet's, so this build begins without: %s. %s", why, _HOW)
