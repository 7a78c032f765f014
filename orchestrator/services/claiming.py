"""Gives work to a free slot. The wake-up was a hint; here it is decided."""

from __future__ import annotations

from farm.protocol.errors import Forbidden, Unavailable
from farm.protocol.states import Role, State
from farm.protocol.work import BuildWork, Claim, ClaimAsk, Lease, PreparationWork, ReuseEngine
from orchestrator.rules.matching import refusals, slot_serves
from orchestrator.rules.recipe import can_prepare
from orchestrator.store import attempts, builds, catalog, evidence, preparations, queue, submissions
from orchestrator.store.attempts import AttemptRow
from orchestrator.store.builds import BuildRow
from orchestrator.store.database import Connection
from orchestrator.store.queue import Claimant

from .caller import Caller
from .context import Context
from .ids import new_id
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
    attempt = _lease_preparation(context, transaction, device, ask) if Role.HOST in roles else None
    if attempt is None and Role.DEVICE in roles:
        attempt = _lease_build(context, transaction, device, ask)
    return _told(context, connection, attempt) if attempt else None


def _device(connection: Connection, caller: Caller) -> Claimant:
    device = queue.claimant(connection, caller.device) if caller.device else None
    if device is None:
        raise Forbidden("this token has no enrolled device", "Enrol first: start the worker anew.")
    return device


def _again(context: Context, transaction: Transaction, row: AttemptRow) -> Claim:
    attempts.change(transaction.connection, row.id, lease_until=transaction.at + context.policy.lease_ttl_s)
    return _told(context, transaction.connection, row)


def _lease_preparation(
    context: Context, transaction: Transaction, device: Claimant, ask: ClaimAsk
) -> AttemptRow | None:
    connection = transaction.connection
    for preparation_id, key in queue.next_preparations(connection, ask.hint):
        if not can_prepare(key.recipe, device.facts.host_tools):
            continue
        row = preparations.by_id(connection, preparation_id)
        if row is None:
            continue
        token, number = row.token + 1, row.attempts + 1
        preparations.change(connection, row.id, state=State.LEASED, token=token, attempts=number)
        transaction.emit("preparation", device=device.stand.name, data={"preparation": row.id, "state": State.LEASED})
        return _lease(context, transaction, device, ask, (None, row.id), token, number)
    return None


def _lease_build(context: Context, transaction: Transaction, device: Claimant, ask: ClaimAsk) -> AttemptRow | None:
    connection = transaction.connection
    served = [digest for digest, target in device.targets.items() if slot_serves(ask.slot, device.facts, target)]
    build_id = queue.next_build(connection, served, ask.hint)
    row = builds.by_id(connection, build_id) if build_id else None
    if row is None:
        return None
    token, number = row.token + 1, row.attempts + 1
    builds.change(connection, row.id, state=State.LEASED, token=token, attempts=number, device_id=device.id)
    submissions.follow(connection, row.id, State.LEASED)
    transaction.emit("build", build=row.id, device=device.stand.name, data={"state": State.LEASED})
    return _lease(context, transaction, device, ask, (row.id, None), token, number)


def _lease(
    context: Context,
    transaction: Transaction,
    device: Claimant,
    ask: ClaimAsk,
    work: tuple[str | None, str | None],
    token: int,
    number: int,
) -> AttemptRow:
    row = AttemptRow(
        id=new_id("att"),
        build_id=work[0],
        preparation_id=work[1],
        device_id=device.id,
        slot=ask.slot,
        number=number,
        token=token,
        nonce=ask.nonce,
        lease_until=transaction.at + context.policy.lease_ttl_s,
        started_at=transaction.at,
    )
    attempts.add(transaction.connection, row)
    return row


def _told(context: Context, connection: Connection, row: AttemptRow) -> Claim:
    lease = Lease(row.id, row.token, context.policy.lease_ttl_s)
    build = builds.by_id(connection, row.build_id) if row.build_id else None
    if build:
        return Claim(lease, build=_build_work(context, connection, build))
    preparation = preparations.by_id(connection, row.preparation_id or "")
    manifest = catalog.manifest_of(connection, preparation.model) if preparation else None
    if preparation is None or manifest is None:
        raise Unavailable(f"the work of {row.id} cannot be read", "Claim again.")
    work = PreparationWork(preparation.id, preparation.preparation_key, manifest)
    return Claim(lease, preparation=work)


def _build_work(context: Context, connection: Connection, build: BuildRow) -> BuildWork:
    preparation = preparations.by_id(connection, build.preparation_id)
    prepared = preparation.result if preparation else None
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
    )


def _reuse(connection: Connection, build: BuildRow) -> ReuseEngine | None:
    engine = evidence.by_id(connection, build.reuse_engine_id) if build.reuse_engine_id else None
    if engine is None:
        return None
    manifest = engine.described
    return ReuseEngine(engine.id, manifest.files, manifest.inputs, manifest.outputs)
