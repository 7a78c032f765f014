"""Where things lie below the root of the store."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from farm.protocol.errors import NotFound
from farm.protocol.model import check_digest

_DIGEST = re.compile(r"[0-9a-f]{64}")
_UPLOAD_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Layout:
    """The paths of a store. Whatever becomes part of a path is checked first."""

    root: Path

    @property
    def blobs(self) -> Path:
        """The folder of all visible blobs."""
        return self.root / "blobs" / "sha256"

    @property
    def uploads(self) -> Path:
        """The folder of what is arriving."""
        return self.root / "uploads"

    @property
    def quarantine(self) -> Path:
        """The folder of what was found corrupt."""
        return self.root / "quarantine"

    def blob(self, sha256: str) -> Path:
        """Where the blob lies, if it is there. Raises: Invalid: not a digest."""
        check_digest(sha256)
        return self.blobs / sha256[:2] / sha256[2:4] / sha256

    def quarantined(self, sha256: str) -> Path:
        """Where the blob lies once it was found corrupt. Raises: Invalid: not a digest."""
        return self.quarantine / check_digest(sha256)

    def part(self, upload_id: str) -> Path:
        """The bytes of an upload. Raises: NotFound: not the id of any upload."""
        return self.uploads / f"{self._checked(upload_id)}.part"

    def announcement(self, upload_id: str) -> Path:
        """What was announced of an upload. Raises: NotFound: not the id of any upload."""
        return self.uploads / f"{self._checked(upload_id)}.json"

    def digests(self, after: str = "") -> Iterator[str]:
        """The digests of all blobs greater than `after`, in order, with one small folder in memory at a time."""
        for first in _names(self.blobs, after[:2]):
            for second in _names(self.blobs / first, after[2:4] if first == after[:2] else ""):
                for name in _names(self.blobs / first / second, after):
                    if name > after and _DIGEST.fullmatch(name):
                        yield name

    @staticmethod
    def _checked(upload_id: str) -> str:
        if not _UPLOAD_ID.fullmatch(upload_id):
            raise NotFound(f"no upload {upload_id[:80]!r}", "Begin one with POST /uploads.")
        return upload_id


def _names(folder: Path, least: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if name >= least)
    except (FileNotFoundError, NotADirectoryError):  # a folder that went, or a stray file
        return []
