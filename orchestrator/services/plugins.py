"""The plugins of the farm: added, listed, removed, and those that came with farm."""

from __future__ import annotations

import logging
from pathlib import Path

from farm.plugins.folder import read_common, read_folder, shipped_plugins
from farm.plugins.manifest import read_manifest
from farm.protocol.errors import Conflict, FarmError, Invalid, NotFound
from farm.protocol.model import FileRef, check_digest, check_relative
from farm.protocol.plugin_views import PluginAsk, PluginDetail, PluginView
from farm.protocol.plugins import MANIFEST_NAME, PluginManifest, PluginSource
from orchestrator.store import plugin_libraries
from orchestrator.store import plugins as rows
from orchestrator.store.database import Connection
from orchestrator.store.plugins import PluginRow, SourceRow

from .caller import Caller
from .clock import iso
from .context import Context
from .plugin_libraries import library_view
from .transaction import Transaction

log = logging.getLogger("farm.coordinator")

_LIST = "farm plugin list shows them."
_BUILTIN = "farm"
_MOST_FILES = 256
_MOST_BYTES = 64 << 20


def add(context: Context, caller: Caller, ask: PluginAsk) -> PluginDetail:
    """Add a plugin, or new sources of one; what is built from earlier ones stays. A repeat changes nothing.

    Raises:
        Conflict: Files are not stored yet (`details.missing`), a plugin that came with farm has the name, or what
            plugins share changed meanwhile.
        Invalid: It is no plugin.
    """
    files = _checked(context, ask)
    manifest = read_manifest(_toml(context, files))
    source = PluginSource(files, _common(context))

    def work(transaction: Transaction) -> PluginDetail:
        known = rows.by_name(transaction.connection, manifest.name)
        if known and known.builtin:
            raise Conflict(f"{manifest.name} is the name of a plugin that came with farm", "Give yours another name.")
        if known is None or known.stored.digest != source.digest:
            _point(transaction, manifest, source, builtin=False, by=caller.name)
        return _detail(transaction.connection, _known(transaction.connection, manifest.name))

    return context.atomically(work)


def every(context: Context) -> tuple[PluginView, ...]:
    """Every plugin, by its name."""
    with context.database.read() as connection:
        counts = plugin_libraries.counts(connection)
        return tuple(_view(row, counts.get(row.stored.digest, 0)) for row in rows.every(connection))


def show(context: Context, name: str) -> PluginDetail:
    """One plugin. Raises: NotFound."""
    with context.database.read() as connection:
        return _detail(connection, _known(connection, name))


def remove(context: Context, name: str) -> PluginView:
    """Let models find a plugin no more; keys, engines and libraries keep what they have of it.

    Raises: NotFound. Conflict: it came with farm.
    """

    def work(transaction: Transaction) -> PluginView:
        row = _known(transaction.connection, name)
        if row.builtin:
            raise Conflict(f"{name} came with farm", "It is used only by models with its operators.")
        rows.remove(transaction.connection, name)
        transaction.emit("plugin", data={"plugin": name, "removed": True})
        return _view(row, plugin_libraries.counts(transaction.connection).get(row.stored.digest, 0))

    return context.atomically(work)


def publish_shipped(context: Context) -> None:
    """Make the plugins known that came with farm; what cannot be read or stored is told and left out."""
    try:
        common = _common(context)
    except (FarmError, OSError) as error:
        log.error("the plugins that came with farm are those of its last start: %s", error)
        return
    shipped = []
    for folder in shipped_plugins(context.plugins):
        try:
            plugin = read_folder(folder)
            _store(context, plugin.paths)
        except (FarmError, OSError) as error:
            log.error("the plugin in %s is left out: %s", folder, error)
            continue
        shipped.append((plugin.manifest, PluginSource(plugin.files, common)))
    context.atomically(lambda transaction: _publish(transaction, shipped))


def _publish(transaction: Transaction, shipped: list[tuple[PluginManifest, PluginSource]]) -> None:
    known = {row.name: row for row in rows.every(transaction.connection)}
    for manifest, source in shipped:
        row = known.pop(manifest.name, None)
        if row and not row.builtin:
            log.warning("the plugin %s of %s hides the one that came with farm", row.name, row.updated_by)
        elif row is None or row.stored.digest != source.digest:
            _point(transaction, manifest, source, builtin=True, by=_BUILTIN)
    for row in known.values():
        if row.builtin:
            rows.remove(transaction.connection, row.name)


def _point(transaction: Transaction, manifest: PluginManifest, source: PluginSource, builtin: bool, by: str) -> None:
    stored = SourceRow(source.digest, manifest.name, manifest, source, transaction.at)
    rows.add_source(transaction.connection, stored)
    rows.point(transaction.connection, PluginRow(stored, builtin, transaction.at, by))
    transaction.emit("plugin", data={"plugin": manifest.name, "source": source.digest})


def _checked(context: Context, ask: PluginAsk) -> tuple[FileRef, ...]:
    """The files, in the order of their names, if they are stored and stay in their folder."""
    names = [check_relative(item.name) for item in ask.files]
    if len(set(names)) != len(names) or not 1 < len(names) <= _MOST_FILES or MANIFEST_NAME not in names:
        raise Invalid(
            f"a plugin has {MANIFEST_NAME} and up to {_MOST_FILES - 1} sources, each once", "farm plugin new makes one."
        )
    missing = [item.sha256 for item in ask.files if not context.blobs.keep(check_digest(item.sha256))]
    if missing:
        raise Conflict(f"{len(missing)} files are not stored yet", "Upload them, then add it again.", missing=missing)
    for item in ask.files:
        stored = context.blobs.stat(item.sha256).size_bytes
        if item.size_bytes != stored:
            raise Invalid(f"{item.name} has {stored} bytes, not {item.size_bytes}", "Add the folder again.")
    if sum(item.size_bytes for item in ask.files) > _MOST_BYTES:
        raise Invalid(f"a plugin may have {_MOST_BYTES >> 20} MiB of sources", "Give data as inputs of the operator.")
    return tuple(sorted(ask.files, key=lambda item: item.name))


def _toml(context: Context, files: tuple[FileRef, ...]) -> bytes:
    with context.blobs.open(next(item.sha256 for item in files if item.name == MANIFEST_NAME)) as stream:
        return stream.read(_MOST_BYTES)


def _common(context: Context) -> tuple[FileRef, ...]:
    """What plugins share in this version of farm, stored."""
    files, paths = read_common(context.plugins)
    _store(context, paths)
    return files


def _store(context: Context, paths: dict[str, Path]) -> None:
    for sha256, path in paths.items():
        if not context.blobs.keep(sha256) and context.blobs.put_bytes(path.read_bytes()).sha256 != sha256:
            raise Conflict(f"{path} changed while it was read", "Try again when it stays as it is.")


def _known(connection: Connection, name: str) -> PluginRow:
    row = rows.by_name(connection, name)
    if row is None:
        raise NotFound(f"there is no plugin {name[:80]!r}", _LIST)
    return row


def _view(row: PluginRow, libraries: int) -> PluginView:
    manifest = row.stored.manifest
    return PluginView(
        name=row.name,
        version=manifest.version,
        purpose=manifest.purpose,
        operators=manifest.operators,
        minimum_tensorrt=manifest.minimum_tensorrt,
        source=row.stored.digest,
        builtin=row.builtin,
        updated_at=iso(row.updated_at),
        updated_by=row.updated_by,
        libraries=libraries,
    )


def _detail(connection: Connection, row: PluginRow) -> PluginDetail:
    libraries = tuple(library_view(item) for item in plugin_libraries.of_source(connection, row.stored.digest))
    return PluginDetail(_view(row, len(libraries)), row.stored.manifest, row.stored.source, libraries)
