"""Makes a farm from a backup, where there is none."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from farm.filehash import file_ref
from farm.protocol.errors import Conflict, Invalid, StorageFull
from orchestrator.blobs import copies
from orchestrator.blobs.files import make_folder
from orchestrator.blobs.layout import Layout
from orchestrator.bootstrap import runs_already
from orchestrator.files import only_one
from orchestrator.rules.disks import is_full
from orchestrator.settings import Settings
from orchestrator.store import dumps, references

from . import logs
from .manifest import BackupFolder, BackupManifest


@dataclass(frozen=True)
class Restored:
    """A farm that may be started.

    Attributes:
        manifest: Of the backup that it is from.
        damaged: Digests of what its database refers to and it has not.
    """

    manifest: BackupManifest
    damaged: tuple[str, ...]


def restore(settings: Settings, folder: Path, environ: Mapping[str, str]) -> Restored:
    """Make a farm from a backup. The database comes last: one that was cut short is begun again.

    Raises:
        Invalid: There is no whole backup, or it is of the other kind of database.
        Conflict: There is a farm already.
        Unavailable: A coordinator runs there, or the database does not answer.
        CoordinatorError: The database could not be made.
        StorageFull: No room.
    """
    backup = BackupFolder(folder)
    manifest = backup.read()
    kind = dumps.kind_of(settings.database_url)
    if kind != manifest.database:
        raise Invalid(
            f"the backup is of {manifest.database}, and FARM_DATABASE_URL names {kind}", "Restore it to its own kind."
        )
    try:
        make_folder(settings.data)
        settings.data.chmod(0o700)
        with only_one(settings.data / "coordinator.lock", runs_already(settings.data)):
            return _restore(settings, backup, manifest, environ)
    except OSError as error:
        if is_full(error):
            raise StorageFull(f"the disk of {settings.data} is full", "Give the farm a larger one.") from error
        raise Invalid(f"cannot restore {folder}: {error}", "Choose another folder, or mend it.") from error


def _restore(
    settings: Settings, backup: BackupFolder, manifest: BackupManifest, environ: Mapping[str, str]
) -> Restored:
    if not dumps.is_empty(settings.database_url):
        raise Conflict("there is a farm already: its database has tables", "Name an empty database, or another folder.")
    state = backup.state(manifest.database_sha256)
    if file_ref(state.database).sha256 != manifest.database_sha256:
        raise Invalid(f"the database in {backup.root} is not what was written there", "Take another backup.")
    # All of them: which are needed is known once the database is there, and then it must not lack one.
    target = Layout(settings.data / "blobs")
    copies.copy(backup.blobs, target, backup.blobs.digests())
    shutil.rmtree(settings.data / "logs", ignore_errors=True)
    logs.copy(state.logs, settings.data / "logs")
    needed = dumps.load(settings.database_url, state.database, environ, references.blobs)
    return Restored(manifest, tuple(sorted(sha256 for sha256 in needed if not target.blob(sha256).exists())))
