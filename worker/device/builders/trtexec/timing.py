"""The timing cache of the fleet in one build of the program, which reads it from a file and writes it back."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from farm.backends.tensorrt.capabilities import TensorRtCapabilities
from farm.backends.tensorrt.switches import switch
from farm.protocol.errors import BuildFailed

from ..base import TimingOrder
from ..tensorrt.caches import REFUSAL, is_blamed
from ..tensorrt.myelin import without_empty_myelin
from ..tensorrt.timing import Choices

log = logging.getLogger(__name__)


class FileTiming:
    """One file for all rungs of a build: what the first of them timed, the next need not.

    Args:
        order: What the build is given; None leaves TensorRT to time everything by itself.
        path: The file, which is not there yet.
    """

    def __init__(self, order: Optional[TimingOrder], path: Path) -> None:
        self._order = order
        self._path = path
        self._began_bytes = 0
        self._refusal = ""
        self.choices = Choices()
        self.grew_from: Optional[str] = None
        if order is not None and order.given is not None:
            data = order.given.read_bytes()
            path.write_bytes(without_empty_myelin(data))
            # As the program writes it back, with that part.
            self._began_bytes = len(data)
            self.grew_from = order.sha256
            log.info("timing cache: begins with %d bytes of the fleet's", self._began_bytes)

    def arguments(self, can: TensorRtCapabilities) -> List[str]:
        """That make the program read and write it."""
        return [] if self._order is None else [switch("timingCacheFile", can, self._path)]

    def watch(self, text: str) -> None:
        """A message of TensorRT while it builds."""
        self.choices.look(text)
        if "iming cache" in text and not self._refusal and self._order is not None and REFUSAL.search(text):
            self._refusal = text
            self.grew_from = None

    def check(self) -> None:
        """Nothing, unless what a key promises was not used.

        Raises: BuildFailed: the cache is certified, and TensorRT did not take it.
        """
        if self._refusal and self._order is not None and self._order.certified:
            raise BuildFailed(
                f"TensorRT does not take the certified timing cache: {self._refusal[:300]}", "Certify another one."
            )

    def blamed(self, errors: Sequence[str]) -> bool:
        """A build that failed with these errors may do better without what it was given."""
        if self._order is None or self._order.certified or not self._began_bytes:
            return False
        return is_blamed(errors)

    def abandon(self, why: str) -> None:
        """Begin again with an empty cache."""
        log.warning("timing cache: TensorRT does not take the fleet's, so this build begins without: %s", why)
        self._refusal, self.grew_from, self._began_bytes = why, None, 0
        self._order = TimingOrder(None, None, certified=False)
        if self._path.exists():
            self._path.unlink()

    def told(self) -> Dict[str, Any]:
        """What happened, for the manifest; in the words of `tensorrt`, as far as the program lets them be known."""
        if self._order is None:
            return {"use": "none"}
        ended = self._path.stat().st_size if self._path.exists() else 0
        found: Dict[str, Any] = {"use": "certified" if self._order.certified else "shared"}
        found.update(began_bytes=self._began_bytes, ended_bytes=ended)
        if self.grew_from:
            found["sha256"] = self.grew_from
        if self._refusal:
            found["refused"] = self._refusal[:300]
        if self.choices.found:
            choices = self.choices
            found.update(choices=choices.found, choices_timed=choices.timed, tactics_timed=choices.tactics)
        return found

    def keep(self, path: Path) -> bool:
        """Put the cache where the build learned something that others may be given; false where not."""
        if self._order is None or self._order.certified or not self._path.exists():
            return False
        if self._path.stat().st_size == self._began_bytes:
            return False
        shutil.copyfile(str(self._path), str(path))
        return True
