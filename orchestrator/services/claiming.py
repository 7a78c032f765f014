"""Gives work to a free slot. The wake-up was a hint; here it is decided."""

from __future__ import annotations

from farm.protocol.errors import Forbidden, Unavailable
from farm.protocol.states import Role, State
from farm.protocol.work import BuildWork, Claim, ClaimAsk, Lease, PreparationWork, Prepared, ReuseEngine
from orchestrator.rules.matching import refusals, slot_serves
from orchestrator.rules.recipe import can_prepare
from orchestrator.store import attempts, builds, catalog, evidence, preparations, queue, submissions
from orchestrator.store.attempts import AttemptRow
from orchestrator.store.builds import BuildRow
from orchestrator.store.database import Connection
from orchestrator.store.preparations import PreparationRow
from orchestrator.store.queue import Claimant

from . import plugin_libraries, timing_caches
from .caller import Caller
from .context import Context
from .ids import new_id
from .leases import lasts_until
from .transaction import Transaction


def claim(context: Context, caller: Caller, ask: ClaimAsk) -> Claim | None:
    """A lease on the work that comes first for this slot, or None: nothing to do, or the slot may have nothing now.

    The same nonce gets the same lease again, as long as it is held.

    Raises: Forbidden: the token has no enrolled device.
    """
    return context.atomically(lambda transaction: _claim(context, transaction, caller, ask))


def why_none(context: Context, caller: Caller, ask: ClaimAsk) -> tuple[str, ...]:
    """Why a slot gets nothing, one sentence each; empty where there is only nothing to do."""
    with context.database.read() as connection:
        device = _device(connection, caller)
        return refusals(device.stand, ask.slot, ask.roles, context.clock())


def _claim(context: Context, transaction: Transaction, caller: Caller, ask: ClaimAsk) -> Claim | None:
    connection = transaction.connection
    device = _device(connection, caller)
    for row in attempts.held_or_asked(connection, device.id, ask.slot, ask.nonce):
        if row.nonce == ask.nonce and row.live:
            return _again(context, transaction, row)
        # The slot is taken, or this nonce has had its lease: an ended lease is never given again.
        return None
    if refusals(device.stand, ask.slot, ask.roles, transaction.at):
        return None
    roles = set(ask.roles) & set(device.stand.roles)
    found = _lease_preparation(context, transaction, device, ask) if Role.HOST in roles else None
    if found is None and Role.DEVICE in roles:
        found = _lease_build(context, transaction, device, ask)
    return found


def _device(connection: Connection, caller: Caller) -> Claimant:
    device = queue.claimant(connection, caller.device) if caller.device else None
    if device is None:
        raise Forbidden("this token has no enrolled device", "Enrol first: start the worker anew.")
    return device


def _again(context: Context, transaction: Transaction, row: AttemptRow) -> Claim:
    connection = transaction.connection
    attempts.change(connection, row.id, lease_until=lasts_until(context, row.lease_until))
    lease = Lease(row.id, row.token, context.policy.lease_ttl_s)
    build = builds.by_id(connection, row.build_id) if row.build_id else None
    if build:
        prepared = preparations.by_id(connection, build.preparation_id)
        return Claim(lease, build=_build_work(context, connection, build, prepared.result if prepared else None))
    preparation = preparations.by_id(connection, row.preparation_id or "")
    if preparation is None:
        raise Unavailable(f"the work of {row.id} cannot be read", "Claim again.")
    return Claim(lease, preparation=_preparation_work(connection, preparation))


def _lease_preparation(context: Context, transaction: Transaction, device: Claimant, ask: ClaimAsk) -> Claim | None:
    connection = transaction.connection
    tools = device.facts.host_tools
    row = queue.next_preparation(connection, lambda key: can_prepare(key.recipe, tools), ask.hint)
    if row is None:
        return None
    token, number = row.token + 1, row.attempts + 1
    preparations.change(connection, row.id, state=State.LEASED, token=token, attempts=number)
    transaction.emit("preparation", device=device.stand.name, data={"preparation": row.id, "state": State.LEASED})
    lease = _lease(context, transaction, device, ask, (None, row.id), token, number)
    return Claim(lease, preparation=_preparation_work(connection, row))


def _lease_build(context: Context, transaction: Transaction, device: Claimant, ask: ClaimAsk) -> Claim | None:
    connection = transaction.connection
    served = [digest for digest, target in device.targets.items() if slot_serves(ask.slot, device.facts, target)]
    queued = queue.next_build(connection, served, ask.hint)
    if queued is None:
        return None
    row = queued.build
    token, number = row.token + 1, row.attempts + 1
    builds.change(connection, row.id, state=State.LEASED, token=token, attempts=number, device_id=device.id)
    submissions.follow(connection, row.id, State.LEASED)
    transaction.emit("build", build=row.id, device=device.stand.name, data={"state": State.LEASED})
    waited_s = transaction.at - (row.queued_at or transaction.at)
    transaction.count(lambda tally: tally.took("build", State.QUEUED, waited_s))
    lease = _lease(context, transaction, device, ask, (row.id, None), token, number)
    return Claim(lease, build=_build_work(context, connection, row, queued.prepared))


def _lease(
    context: Context,
    transaction: Transaction,
    device: Claimant,
    ask: ClaimAsk,
    work: tuple[str | None, str | None],
    token: int,
    number: int,
) -> Lease:
    row = AttemptRow(
        id=new_id("att"),
        build_id=work[0],
        preparation_id=work[1],
        device_id=device.id,
        slot=ask.slot,
        number=number,
        token=token,
        nonce=ask.nonce,
        lease_until=lasts_until(context),
        started_at=transaction.at,
    )
    attempts.add(transaction.connection, row)
    return Lease(row.id, row.token, context.policy.lease_ttl_s)


def _preparation_work(connection: Connection, preparation: PreparationRow) -> PreparationWork:
    manifest = catalog.manifest_of(connection, preparation.model)
    if manifest is None:
        raise Unavailable(f"the model of {preparation.id} cannot be read", "Claim again.")
    return PreparationWork(preparation.id, preparation.preparation_key, manifest)


def _build_work(context: Context, connection: Connection, build: BuildRow, prepared: Prepared | None) -> BuildWork:
    if prepared is None:
        raise Unavailable(f"{build.id} is queued although its preparation is not there", "Claim again.")
    return BuildWork(
        build=build.id,
        model_name=build.model_name,
        key=build.request_key,
        prepared=prepared,
        verify=build.verify_policy,
        benchmark=build.benchmark_policy,
        deadline_s=context.policy.build_deadline_s,
        reuse=_reuse(connection, build),
        timing_cache=timing_caches.given(connection, build),
        plugins=plugin_libraries.given(connection, build),
    )


def _reuse(connection: Connection, build: BuildRow) -> ReuseEngine | None:
    engine = evidence.by_id(connection, build.reuse_engine_id) if build.reuse_engine_id else None
    if engine is None:
        return None
    manifest = engine.described
    return ReuseEngine(engine.id, manifest.files, manifest.inputs, manifest.outputs)
