"""Submits models, cancels and repeats submissions. What is accepted is never lost: one transaction, then the answer."""

from __future__ import annotations

from dataclasses import replace

from farm.protocol.codec import dumps
from farm.protocol.errors import Conflict, Invalid, NotFound, TargetUnavailable, Unsupported
from farm.protocol.model import check_manifest, check_name
from farm.protocol.states import ENDED_STATES, GOOD_STATES, State
from farm.protocol.submit import SubmitAsk
from farm.protocol.views import SubmissionView
from orchestrator.rules.mechanism import mechanism
from orchestrator.rules.targets import Resolved
from orchestrator.store import catalog, offers, submissions
from orchestrator.store.database import Connection
from orchestrator.store.submissions import RequestRow, SubmissionRow

from .caller import Caller
from .cancelling import cancel_requests
from .context import Context
from .ids import new_id
from .ordering import orders_of
from .orders import Order
from .placing import Place, place
from .plugin_choice import keep_sources
from .submission_views import view
from .transaction import Transaction

Orders = tuple[tuple[Resolved, Order], ...]

_MOST_TARGETS = 256


def submit(context: Context, ask: SubmitAsk, caller: Caller) -> SubmissionView:
    """Accept a model for its targets.

    Raises:
        Conflict: Blobs are not stored yet (`details.missing`), or the idempotency key was used for something else.
        Invalid, NotFound, Unsupported, TargetUnavailable: see `orders_of`.
    """
    check(ask)
    keep_blobs(context, ask)
    return context.atomically(lambda transaction: _submit(context, transaction, ask, caller))


def show(context: Context, submission_id: str) -> SubmissionView:
    """One submission. Raises: NotFound."""
    with context.database.read() as connection:
        return view(context, connection, _known(connection, submission_id))


def asked(context: Context, submission_id: str) -> SubmitAsk:
    """What was submitted, as it was sent. Raises: NotFound."""
    with context.database.read() as connection:
        return _known(connection, submission_id).asked


def cancel(context: Context, submission_id: str, target: str | None, caller: Caller) -> SubmissionView:
    """Cancel a submission, or its request for one target; what others want as well goes on.

    Raises: NotFound
    """

    def work(transaction: Transaction) -> SubmissionView:
        row = _known(transaction.connection, submission_id)
        every = submissions.requests_of(transaction.connection, [row.id])
        chosen = [item for item in every if target in (None, item.word, item.label, item.id)]
        if not chosen:
            words = ", ".join(item.word for item in every)
            raise NotFound(f"{submission_id} has no target {target!r}", f"It has {words}.")
        cancel_requests(transaction, chosen, f"cancelled by {caller.name}")
        return view(context, transaction.connection, row)

    return context.atomically(work)


def retry(context: Context, submission_id: str, failed: bool, force: bool, caller: Caller) -> SubmissionView:
    """Submit the same again, by default only the targets that did not end well.

    Raises: NotFound. Conflict: nothing to repeat. Else as `submit`.
    """
    with context.database.read() as connection:
        row = _known(connection, submission_id)
        requests = submissions.requests_of(connection, [row.id])
    bad = [item for item in requests if item.state in ENDED_STATES - GOOD_STATES]
    chosen = bad if failed else list(requests)
    if not chosen:
        raise Conflict(f"{submission_id} has nothing that failed", "Repeat all of it with failed=false.")
    words = tuple(dict.fromkeys(item.word for item in chosen))
    # What failed would fail at once again with the same key: a retry of it is meant as one.
    again = any(item.state in (State.FAILED, State.QUARANTINED) for item in chosen)
    ask = replace(row.asked, targets=words, force=force or (failed and again), idempotency=None)
    return submit(context, replace(ask, tags={**ask.tags, "retry-of": row.id}), caller)


def accept(context: Context, transaction: Transaction, ask: SubmitAsk, orders: Orders, caller: Caller) -> SubmissionRow:
    """Store a submission whose blobs are kept, and place its orders. Its name goes on pointing where it points.

    Raises: Unsupported, TargetUnavailable: it cannot be built. Raced: somebody else queued the same at this moment.
    """
    connection = transaction.connection
    _check_buildable(context, connection, orders, transaction.at)
    keep_sources(transaction, {source for _, ordered in orders for source in ordered.key.plugins.values()})
    row = SubmissionRow(
        id=new_id("sub"),
        ask=dumps(ask),
        name=ask.name,
        model=catalog.put_model(connection, ask.manifest, transaction.at),
        created_at=transaction.at,
        created_by=caller.name,
        token_id=caller.token_id,
        idempotency=ask.idempotency,
        tags=ask.tags,
        priority=ask.priority,
    )
    submissions.add(connection, row)
    places = [place(transaction, item) for _, item in orders]
    requests = [
        _request(row, position, resolved, ordered, found)
        for position, ((resolved, ordered), found) in enumerate(zip(orders, places, strict=True))
    ]
    submissions.add_requests(connection, requests)
    states = [str(item.state) for item in requests]
    transaction.emit("submission", submission=row.id, data={"name": ask.name, "states": states})
    return row


def check(ask: SubmitAsk) -> None:
    """Refuse what cannot be right whatever the state of the farm. Raises: Invalid."""
    check_name(ask.name, "name of a model")
    if ask.model is not None:
        check_manifest(ask.model)
    elif not ask.plugins:
        raise Invalid("a submission has neither a model nor a plugin", "Name one of them.")
    if len(ask.targets) > _MOST_TARGETS:
        raise Invalid(f"{len(ask.targets)} targets are too many", f"Name at most {_MOST_TARGETS}, or use a filter.")
    if not -1000 <= ask.priority <= 1000:
        raise Invalid(f"the priority {ask.priority} is out of range", "Give -1000 to 1000.")


def blobs_of(ask: SubmitAsk) -> dict[str, int | None]:
    """Every blob that a submission refers to, with its size where that is known."""
    found: dict[str, int | None] = {item.sha256: item.size_bytes for item in ask.manifest.files}
    for digest in (ask.options.calibration, ask.reference.inputs, ask.reference.outputs):
        if digest is not None:
            found.setdefault(digest, None)
    return found


def keep_blobs(context: Context, ask: SubmitAsk) -> None:
    """Keep what a submission refers to from garbage collection until it is stored.

    Raises: Conflict: something is not stored (`details.missing`). Invalid: it has another size.
    """
    sizes = blobs_of(ask)
    missing = [digest for digest in sizes if not context.blobs.keep(digest)]
    if missing:
        raise Conflict(f"{len(missing)} blobs are not stored yet", "Upload them, then submit again.", missing=missing)
    for digest, size_bytes in sizes.items():
        stored = context.blobs.stat(digest).size_bytes
        if size_bytes not in (None, stored):
            raise Invalid(f"{digest} has {stored} bytes, not {size_bytes}", "Make the manifest anew from the files.")


def _submit(context: Context, transaction: Transaction, ask: SubmitAsk, caller: Caller) -> SubmissionView:
    connection = transaction.connection
    known = _repeated(connection, ask, caller)
    if known:
        return view(context, connection, known)
    row = accept(context, transaction, ask, orders_of(context, connection, ask, transaction.at), caller)
    if ask.model and catalog.point(connection, ask.name, row.model, transaction.at):
        transaction.emit("model", data={"name": ask.name, "model": row.model})
    return view(context, connection, row)


def _repeated(connection: Connection, ask: SubmitAsk, caller: Caller) -> SubmissionRow | None:
    if ask.idempotency is None:
        return None
    known = submissions.by_idempotency(connection, caller.token_id, ask.idempotency)
    if known and known.asked != ask:
        raise Conflict(
            f"the idempotency key of {known.id} was used for another submission", "Make a new key for each submission."
        )
    return known


def _check_buildable(context: Context, connection: Connection, orders: Orders, at: float) -> None:
    for resolved, ordered in orders:
        if resolved.recorded:
            raise TargetUnavailable(
                f"{resolved.word!r} is served only by recorded devices ({', '.join(resolved.devices)})",
                "Start a worker on such a device; `farm plan` works without.",
            )
        problems = (*mechanism(resolved.target, ordered.key.options).problems, *ordered.problems)
        if problems:
            raise Unsupported(f"{resolved.word}: {problems[0]}", "`farm plan` shows what each target can do.")
    if all(ordered.key.only_compiles for _, ordered in orders):
        return
    if not offers.host_tools(connection, at - context.policy.gone_s):
        raise TargetUnavailable("no host has enrolled to prepare models", "Start a worker with the role host.")


def _request(row: SubmissionRow, position: int, resolved: Resolved, ordered: Order, found: Place) -> RequestRow:
    return RequestRow(
        id=new_id("req"),
        submission_id=row.id,
        position=position,
        word=resolved.word,
        label=resolved.target.label(),
        key=ordered.key.digest,
        state=found.state,
        created_at=row.created_at,
        preparation_id=found.preparation_id,
        build_id=found.build_id,
        engine_id=found.engine_id,
        reason=found.reason,
        ended_at=row.created_at if found.state in ENDED_STATES else None,
    )


def _known(connection: Connection, submission_id: str) -> SubmissionRow:
    row = submissions.by_id(connection, submission_id)
    if row is None:
        raise NotFound(f"there is no submission {submission_id[:80]!r}", "`farm list` shows them.")
    return row
