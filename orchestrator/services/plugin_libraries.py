"""Compiled plugin libraries: asked for and published within a lease, shared within one target and trust group."""

from __future__ import annotations

from farm.protocol.codec import digest, dumps
from farm.protocol.errors import Conflict, Forbidden, Invalid, LeaseLost
from farm.protocol.model import check_digest
from farm.protocol.plugins import (
    Compiled,
    PluginKey,
    PluginLibrary,
    PluginLibraryAnswer,
    PluginLibraryAsk,
    PluginLibraryMade,
    PluginWork,
)
from farm.protocol.states import AttemptEnd, State
from orchestrator.rules.plugins import key_for
from orchestrator.store import attempts, devices, plugins
from orchestrator.store import plugin_libraries as rows
from orchestrator.store.builds import BuildRow
from orchestrator.store.database import Connection
from orchestrator.store.plugin_libraries import LibraryRow, Shelf

from .caller import Caller
from .clock import iso
from .context import Context
from .leases import Held, hold
from .settling import end_build
from .tally import COMPILED, REUSED
from .transaction import Transaction

_MOST_BYTES = 256 << 20


def find(context: Context, caller: Caller, attempt_id: str, asked: PluginLibraryAsk) -> PluginLibraryAnswer:
    """The library with a key, where a device of the same target and trust group has compiled one, and it is whole.

    Raises: LeaseLost. Forbidden: the lease has no such plugin, or the key is not what comes of it.
    """

    def work(transaction: Transaction) -> PluginLibraryAnswer:
        shelf, _ = _shelf(transaction, caller, attempt_id, asked.token, asked.key)
        row = rows.find(transaction.connection, shelf, asked.key.digest)
        if row is None or not transaction.blobs.keep(row.sha256):
            return PluginLibraryAnswer()
        return PluginLibraryAnswer(library_view(row))

    answer = context.atomically(work)
    if answer.library is not None:
        context.tally.add("plugin_library", REUSED)
    return answer


def publish(context: Context, caller: Caller, attempt_id: str, made: PluginLibraryMade) -> PluginLibraryAnswer:
    """Share a library; one that is there stays, and is the answer. A repeat changes nothing.

    Raises:
        LeaseLost, Forbidden: As `find`.
        Conflict: Its blob is not stored (`details.missing`).
        Invalid: It is larger than a library may be, or its blob has another size.
    """
    if not context.blobs.keep(check_digest(made.sha256)):
        raise Conflict("the library is not stored yet", "Upload it, then publish it again.", missing=[made.sha256])
    size_bytes = context.blobs.stat(made.sha256).size_bytes
    if made.size_bytes != size_bytes or not 0 < size_bytes <= _MOST_BYTES:
        raise Invalid(
            f"the library has {size_bytes} bytes, not {made.size_bytes} (at most {_MOST_BYTES})", "Compile it again."
        )

    def work(transaction: Transaction) -> PluginLibraryAnswer:
        shelf, held = _shelf(transaction, caller, attempt_id, made.token, made.key)
        there = rows.find(transaction.connection, shelf, made.key.digest)
        if there and not transaction.blobs.exists(there.sha256):
            # What was found corrupt and put aside serves nobody any more.
            rows.forget(transaction.connection, (there.sha256,))
            there = None
        if there is None:
            there = _row(transaction, caller, held, shelf, made)
            rows.add(transaction.connection, there)
            data = {"plugin": there.plugin, "library": there.sha256, "key": there.key}
            transaction.emit("plugin_library", build=held.attempt.build_id, device=there.device, data=data)
            transaction.count(lambda tally: tally.took("plugin_library", COMPILED, made.compile_s))
        return PluginLibraryAnswer(library_view(there))

    return context.atomically(work)


def compiled(context: Context, caller: Caller, attempt_id: str, report: Compiled) -> None:
    """Complete a build that only compiles. A repeat changes nothing.

    Raises: LeaseLost. Conflict: the build makes an engine, or the library of a plugin is not published.
    """
    done = context.atomically(lambda transaction: _compiled(transaction, caller, attempt_id, report))
    if not done:
        raise LeaseLost(f"the build of {attempt_id} was cancelled", "Claim again.")


def given(connection: Connection, build: BuildRow) -> tuple[PluginWork, ...]:
    """The plugins of a build with their sources, in the order of their names."""
    wanted = build.request_key.plugins
    if build.reuse_engine_id or not wanted:
        return ()
    stored = plugins.sources(connection, tuple(wanted.values()))
    found = [(name, stored[source]) for name, source in sorted(wanted.items()) if source in stored]
    return tuple(PluginWork(name, row.manifest.operators, row.source) for name, row in found)


def library_view(row: LibraryRow) -> PluginLibrary:
    """A library as people and workers see it."""
    return PluginLibrary(
        plugin=row.plugin,
        key=row.key,
        source=row.source,
        sha256=row.sha256,
        size_bytes=row.size_bytes,
        target=row.label,
        trust_group=row.trust_group,
        device=row.device,
        attempt=row.attempt_id,
        compile_s=row.compile_s,
        compilers=row.compilers,
        created_at=iso(row.created_at),
        inspected=row.inspected,
    )


def _compiled(transaction: Transaction, caller: Caller, attempt_id: str, report: Compiled) -> bool:
    connection = transaction.connection
    named = digest(report)
    earlier = attempts.by_id(connection, attempt_id, lock=True)
    if earlier and earlier.result_digest == named and attempts.device_of(connection, attempt_id) == caller.device:
        return True
    held = hold(transaction, caller, attempt_id, report.token)
    if held.build is None or not held.build.only_compiles:
        raise Conflict(f"the work of {attempt_id} is more than to compile plugins", "Publish what it asks for.")
    if not held.is_wanted:
        attempts.end(connection, attempt_id, AttemptEnd.CANCELLED, transaction.at, report.child_ms)
        return False
    wanted = held.build.request_key.plugins
    there = {item.source for item in rows.on_shelf(connection, _of(connection, held, held.build), wanted.values())}
    missing = [name for name, source in sorted(wanted.items()) if source not in there]
    if missing:
        raise Conflict(f"there is no library of {', '.join(missing)} yet", "Publish it first.")
    attempts.end(connection, attempt_id, AttemptEnd.PUBLISHED, transaction.at, report.child_ms, result_digest=named)
    devices.change(connection, held.attempt.device_id, lost_leases=0)
    end_build(transaction, held.build, State.DONE)
    return True


def _shelf(
    transaction: Transaction, caller: Caller, attempt_id: str, token: int, asked: PluginKey
) -> tuple[Shelf, Held]:
    """Where the library of a key belongs; the lease says so, and what the key must be."""
    held = hold(transaction, caller, attempt_id, token)
    build = held.build
    if build is None or build.reuse_engine_id:
        raise Forbidden(f"the work of {attempt_id} compiles no plugins", "Go on with its work.")
    plugin = next((item for item in given(transaction.connection, build) if item.name == asked.plugin), None)
    if plugin is None:
        raise Forbidden(f"{build.id} needs no plugin {asked.plugin[:80]!r}", "Compile what its key names.")
    due = key_for(asked, plugin.name, plugin.source, build.request_key)
    if asked != due:
        wrong = next(name for name in due.__dict__ if getattr(asked, name) != getattr(due, name))
        raise Forbidden(
            f"the plugin key has the {wrong} {getattr(asked, wrong)!r}, the build has {getattr(due, wrong)!r}"[:400],
            "Is the worker's version the farm's?",
        )
    return _of(transaction.connection, held, build), held


def _of(connection: Connection, held: Held, build: BuildRow) -> Shelf:
    device = devices.by_id(connection, held.attempt.device_id)
    if device is None:
        raise LeaseLost(f"the device of {held.attempt.id} is gone", "Claim again.")
    return Shelf(build.target_digest, device.trust_group)


def _row(transaction: Transaction, caller: Caller, held: Held, shelf: Shelf, made: PluginLibraryMade) -> LibraryRow:
    build = held.build
    return LibraryRow(
        key=made.key.digest,
        target_digest=shelf.target_digest,
        trust_group=shelf.trust_group,
        spec=dumps(made.key),
        plugin=made.key.plugin,
        source=made.key.source,
        sha256=made.sha256,
        size_bytes=made.size_bytes,
        label=build.label if build else "",
        device=caller.device or "",
        attempt_id=held.attempt.id,
        compile_s=made.compile_s,
        compilers=made.compilers,
        inspected=made.inspected,
        created_at=transaction.at,
    )
