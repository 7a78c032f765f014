"""Calls and blobs between one lease and the coordinator: through its restarts, and until the lease is over."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Container, Iterable, TypeVar

from farm.protocol.model import FileRef
from worker.coordinator import LeaseLine

from .halt import Halt
from .patience import Patience
from .transfer import Cache, send

T = TypeVar("T")


@dataclass(frozen=True)
class Exchange:
    """What each part of a lease reaches the coordinator by.

    Attributes:
        line: Of the lease.
        cache: For blobs.
        patience: For calls that must arrive.
        halt: Ends it.
    """

    line: LeaseLine
    cache: Cache
    patience: Patience
    halt: Halt

    def call(self, ask: Callable[[], T], what: str) -> T:
        """The answer to what is harmless to repeat; `what` is for the log, such as `publishing`.

        Raises: GaveUp. FarmError: what the coordinator said.
        """
        return self.patience.call(ask, what, self.halt.may_go_on)

    def fetch(self, sha256: str, path: Path, what: str = "") -> None:
        """Put a blob at `path`; `what` it is, where its name does not say so.

        Raises: GaveUp, LeaseLost, NotFound, BlobCorrupt, StorageFull, Forbidden
        """

        def ask() -> int:
            return self.cache.bring(self.line.blobs, sha256, path, self.halt.check)

        self.call(ask, f"fetching {what or path.name}")

    def send(self, folder: Path, files: Iterable[FileRef], known: Container[str] = ()) -> None:
        """Store files of a folder as blobs, but for those with a known digest; once, so as a part of a `call`.

        Raises: Invalid: a file is not there or has changed. StorageFull, LeaseLost, Broken
        """
        send(self.line.blobs, folder, files, known, self.halt.check)
