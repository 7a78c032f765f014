"""Makes a backup of a farm, which may run and build meanwhile.

The order is what makes it whole. An engine becomes visible after its blobs, and garbage collection waits: so every blob
that the copy of the database refers to is still there when blobs are copied. A log is a file first, then blobs, then a
row that names them: so files are copied before the database, and once more after it.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from farm import __version__
from farm.filehash import file_ref
from farm.protocol.errors import Invalid, StorageFull, Unavailable
from orchestrator.blobs import copies
from orchestrator.blobs.collecting import nothing_collected
from orchestrator.blobs.files import make_folder, sync
from orchestrator.blobs.layout import Layout
from orchestrator.files import only_one
from orchestrator.rules.disks import is_full
from orchestrator.services.clock import iso
from orchestrator.settings import Settings
from orchestrator.store import dumps, references
from orchestrator.store import logs as log_rows
from orchestrator.store.database import Connection

from . import logs
from .manifest import BackupFolder, BackupManifest


def back_up(settings: Settings, folder: Path, environ: Mapping[str, str]) -> tuple[BackupManifest, int]:
    """Make a backup in a folder, and say how many blobs were copied; those of an earlier one in it are not again.

    Until it is done the earlier one stays whole.

    Raises:
        Invalid: There is no farm, or the folder is in the farm's own.
        Unavailable: The database does not answer, or another backup is made there.
        CoordinatorError: The database could not be copied.
        StorageFull: No room in the folder.
    """
    root = settings.data / "blobs"
    if not root.is_dir() or dumps.is_empty(settings.database_url):
        raise Invalid(f"there is no farm in {settings.data}", "Name its folder by --data, as for its start.")
    if folder.absolute().is_relative_to(settings.data):
        raise Invalid("a backup in the folder of the farm is lost with it", "Choose a folder on another disk.")
    make_folder(folder)
    made = BackupFolder(folder)
    try:
        with only_one(made.lock, _taken(folder)), nothing_collected(root):
            return _back_up(settings, made, Layout(root), environ)
    except OSError as error:
        if is_full(error):
            raise StorageFull(f"the disk of {folder} is full", "Give backups a larger one.") from error
        raise Invalid(f"a backup cannot be made in {folder}: {error}", "Choose another folder, or mend it.") from error


def _back_up(
    settings: Settings, made: BackupFolder, blobs: Layout, environ: Mapping[str, str]
) -> tuple[BackupManifest, int]:
    young = made.state("young")
    shutil.rmtree(young.root, ignore_errors=True)
    make_folder(young.root)
    logs.copy(settings.data / "logs", young.logs)
    made_at = iso(time.time())
    needed, unsealed = dumps.dump(settings.database_url, young.database, environ, lambda seen: _look(seen, young.logs))
    logs.copy(settings.data / "logs", young.logs)
    logs.keep_only(young.logs, unsealed)
    copied = copies.copy(blobs, made.blobs, needed)
    sync(young.database)
    manifest = BackupManifest(
        farm=__version__,
        made_at=made_at,
        database=dumps.kind_of(settings.database_url),
        database_sha256=file_ref(young.database).sha256,
        blobs=copied.blobs,
        size_bytes=copied.size_bytes,
        damaged=copied.damaged,
    )
    _replace(made, young.root, manifest)
    for sha256 in made.blobs.digests():
        if sha256 not in needed:
            made.blobs.blob(sha256).unlink()
    return manifest, copied.fresh


def _replace(made: BackupFolder, young: Path, manifest: BackupManifest) -> None:
    """From one moment to the next the folder is this backup."""
    final = made.state(manifest.database_sha256).root
    if final.exists():
        shutil.rmtree(young)
    else:
        young.rename(final)
        sync(made.states)
    made.write(manifest)
    for name in logs.names(made.states):
        if name != manifest.database_sha256:
            shutil.rmtree(made.states / name)


def _taken(folder: Path) -> Unavailable:
    return Unavailable(f"another backup is being made in {folder}", "Let it end, or choose another folder.")


def _look(connection: Connection, copied_logs: Path) -> tuple[frozenset[str], frozenset[str]]:
    """The blobs that rows refer to, and the logs that are only files."""
    return references.blobs(connection), log_rows.unsealed(connection, logs.names(copied_logs))
