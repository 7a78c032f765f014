"""What lies where in a backup, and what it says about itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from farm.protocol.codec import dumps, loads
from farm.protocol.errors import Invalid, ProtocolError
from orchestrator.blobs.files import sync, write_whole
from orchestrator.blobs.layout import Layout


@dataclass(frozen=True)
class BackupManifest:
    """A backup that is whole.

    Attributes:
        farm: The version of the coordinator that made it.
        made_at: The moment that it is of, as ISO 8601.
        database: `sqlite` or `postgresql`.
        database_sha256: Of the copy of the database, and the name of the state.
        blobs, size_bytes: What the database refers to and the backup has.
        damaged: Digests of what the database refers to and the farm itself had not.
    """

    farm: str
    made_at: str
    database: str
    database_sha256: str
    blobs: int
    size_bytes: int
    damaged: tuple[str, ...] = ()


@dataclass(frozen=True)
class State:
    """What of a farm changes, as it was at one moment."""

    root: Path

    @property
    def database(self) -> Path:
        """The copy of the database."""
        return self.root / "database"

    @property
    def logs(self) -> Path:
        """The logs that became no blobs yet, as in the folder of a farm."""
        return self.root / "logs"


@dataclass(frozen=True)
class BackupFolder:
    """The paths of a backup."""

    root: Path

    @property
    def states(self) -> Path:
        """Holds one state of the farm; two while a backup is made."""
        return self.root / "states"

    def state(self, name: str) -> State:
        """A state by its name, which is the digest of its database."""
        return State(self.states / name)

    @property
    def blobs(self) -> Layout:
        """The blobs, as in the folder of a farm."""
        return Layout(self.root / "blobs")

    @property
    def lock(self) -> Path:
        """Held by whoever writes to it."""
        return self.root / "backup.lock"

    def write(self, manifest: BackupManifest) -> None:
        """Say that the backup is whole."""
        write_whole(self._manifest, dumps(manifest) + "\n")
        sync(self.root)

    def read(self) -> BackupManifest:
        """What it says about itself.

        Raises: Invalid: there is no whole backup.
        """
        try:
            return loads(BackupManifest, self._manifest.read_text())
        except FileNotFoundError:
            raise Invalid(f"there is no whole backup in {self.root}", "Name the folder that a backup made.") from None
        except (OSError, ProtocolError) as error:
            raise Invalid(f"the backup in {self.root} cannot be read: {error}", "Take another one.") from error

    @property
    def _manifest(self) -> Path:
        return self.root / "manifest.json"
