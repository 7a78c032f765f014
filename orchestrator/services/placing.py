"""Finds what serves an order: an engine that is there, a build that runs, or a new one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from farm.protocol.codec import digest, dumps
from farm.protocol.states import State
from orchestrator.rules.hits import Hit, judge
from orchestrator.store import builds, engines, evidence, preparations
from orchestrator.store.builds import BuildRow
from orchestrator.store.database import Connection
from orchestrator.store.preparations import PreparationRow

from .ids import new_id
from .orders import Order, verify_digest
from .transaction import Transaction
from .waking import wake_builders, wake_hosts


@dataclass(frozen=True)
class Place:
    """Where a request stands; an ended one says why in `reason`."""

    state: State
    reason: str = ""
    preparation_id: str | None = None
    build_id: str | None = None
    engine_id: str | None = None


@dataclass(frozen=True)
class Prospect:
    """What is there for an order: an ended place, or what a build would start from.

    Attributes:
        place: How the request ends at once; None where something must be built.
        reuse: The engine that only has to be proven anew.
        purpose: What a build for it is unique by while active.
    """

    place: Place | None
    reuse: str | None
    purpose: str


def look(connection: Connection, order: Order, is_stored: Callable[[str], bool]) -> Prospect:
    """What an order meets: a hit, an earlier failure that only `--force` repeats, or nothing. Writes nothing.

    An engine that lost a file, since it rotted and was put aside, is none; `is_stored` tells of each digest.
    """
    fresh = Prospect(None, None, order.key.digest)
    if order.force:
        return fresh
    judged = [
        (engine.id, judge(engine.evidence, order.wanted))
        for engine in evidence.with_key(connection, order.key.digest)
        if all(map(is_stored, engine.files))
    ]
    by_hit = {hit: engine_id for engine_id, hit in reversed(judged)}
    if Hit.SERVES in by_hit:
        hit = by_hit[Hit.SERVES]
        maker = engines.built_by(connection, hit)
        return Prospect(Place(State.CACHED, build_id=maker, engine_id=hit), None, fresh.purpose)
    if Hit.REVERIFY in by_hit:
        proof = Prospect(None, by_hit[Hit.REVERIFY], order.proof)
        return _after_earlier(connection, order, proof)
    if Hit.REFUTED in by_hit:
        reason = "its engine failed this very verification before; submit with --force to build it again"
        return Prospect(Place(State.QUARANTINED, reason, engine_id=by_hit[Hit.REFUTED]), None, order.proof)
    return _after_earlier(connection, order, fresh)


def place(transaction: Transaction, order: Order) -> Place:
    """Serve an order: end it at once, join what runs, or queue what it needs.

    Raises: Raced: somebody else queued the same at this moment.
    """
    connection = transaction.connection
    # Locked before looking: a build that ends at this moment is then either still active, or already a hit.
    active = builds.active_for(connection, order.key.digest, order.proof)
    prospect = look(connection, order, transaction.blobs.exists)
    if prospect.place:
        return prospect.place
    running = active.get(prospect.purpose)
    if running:
        _hurry(transaction, running, order.priority)
        return Place(running.state, preparation_id=running.preparation_id, build_id=running.id)
    preparation = _prepare(transaction, order)
    if preparation.state is State.FAILED:
        failure = preparation.failed_with
        told = failure.message if failure else "it failed"
        reason = f"its preparation failed before: {told}; submit with --force to prepare it again"
        return Place(State.FAILED, reason, preparation_id=preparation.id)
    build = _new_build(transaction, order, prospect, preparation)
    return Place(build.state, preparation_id=preparation.id, build_id=build.id)


def _after_earlier(connection: Connection, order: Order, prospect: Prospect) -> Prospect:
    """The same, unless it was built or proven before and failed, with the same references and policy."""
    earlier = builds.newest_ended(connection, order.key.digest, prospect.purpose)
    if earlier is None:
        return prospect
    build, preparation_key = earlier
    same = verify_digest(build.verify_policy, preparation_key) == order.wanted.verify_digest
    if not same or build.state not in (State.FAILED, State.QUARANTINED):
        return prospect
    failure = build.failed_with
    told = failure.message if failure else "its numbers were wrong"
    reason = f"{build.id} with this key {_ended(build.state)} before: {told}; submit with --force to build it again"
    ended = Place(build.state, reason, build.preparation_id, build.id, build.engine_id)
    return Prospect(ended, prospect.reuse, prospect.purpose)


def _ended(state: State) -> str:
    return "was quarantined" if state is State.QUARANTINED else "failed"


def _hurry(transaction: Transaction, build: BuildRow, priority: int) -> None:
    if priority > build.priority:
        builds.change(transaction.connection, build.id, priority=priority)
        preparations.hurry(transaction.connection, build.preparation_id, priority)


def _prepare(transaction: Transaction, order: Order) -> PreparationRow:
    known = preparations.newest(transaction.connection, order.preparation.digest)
    if known and not (known.state is State.FAILED and order.force) and _is_whole(transaction, known):
        if known.active:
            preparations.hurry(transaction.connection, known.id, order.priority)
        return known
    if order.key.only_compiles:
        return preparations.add_done(transaction.connection, new_id("prp"), order.preparation, transaction.at)
    made = preparations.add(transaction.connection, new_id("prp"), order.preparation, order.priority, transaction.at)
    transaction.emit("preparation", data={"preparation": made.id, "state": made.state})
    wake_hosts(transaction, made.id)
    return made


def _is_whole(transaction: Transaction, preparation: PreparationRow) -> bool:
    """False once something of its result was found corrupt and put aside."""
    made = preparation.result
    return made is None or all(transaction.blobs.exists(sha256) for sha256 in made.blobs)


def _new_build(transaction: Transaction, order: Order, prospect: Prospect, preparation: PreparationRow) -> BuildRow:
    ready = preparation.state is State.DONE
    build = BuildRow(
        id=new_id("bld"),
        key=order.key.digest,
        purpose=prospect.purpose,
        spec=dumps(order.key),
        target_digest=digest(order.target),
        label=order.target.label(),
        precision=order.key.options.precision,
        model=order.key.model,
        model_name=order.model_name,
        preparation_id=preparation.id,
        verify=dumps(order.wanted.verify),
        benchmark=dumps(order.wanted.benchmark),
        state=State.QUEUED if ready else State.WAITING,
        priority=order.priority,
        created_at=transaction.at,
        reuse_engine_id=prospect.reuse,
        queued_at=transaction.at if ready else None,
    )
    builds.add(transaction.connection, build)
    transaction.emit("build", build=build.id, data={"state": build.state})
    transaction.count(lambda tally: tally.begin(build.label))
    if ready:
        wake_builders(transaction, build)
    return build
