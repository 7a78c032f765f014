"""What follows when a preparation has ended: its builds get the plugins that their graph takes, and are queued."""

from __future__ import annotations

from dataclasses import replace

from farm.protocol.codec import dumps
from farm.protocol.keys import RequestKey
from farm.protocol.report import Failure, FailureKind
from farm.protocol.states import ENDED_STATES, State
from farm.protocol.work import Prepared
from orchestrator.store import builds, submissions
from orchestrator.store.builds import BuildRow
from orchestrator.store.preparations import PreparationRow
from orchestrator.store.submissions import RequestRow

from .orders import Order
from .placing import Place, Prospect, look, place
from .plugin_choice import choice_of_key
from .settling import end_build, ordered, queue_build
from .transaction import Transaction

_LIST = "farm plugin list shows what there is."


def settle_preparation(transaction: Transaction, row: PreparationRow) -> None:
    """Queue the builds that waited for a preparation that is done; fail them where it failed."""
    for build in builds.waiting_for(transaction.connection, row.id):
        if row.state is State.FAILED:
            end_build(transaction, build, State.FAILED, row.failed_with)
        elif row.state is State.DONE:
            _queue(transaction, build, row.result)


def _queue(transaction: Transaction, build: BuildRow, prepared: Prepared | None) -> None:
    """Queue a build with the plugins of its graph: those its key has, and those that its operators take besides."""
    key = build.request_key
    if build.reuse_engine_id or prepared is None or not prepared.plugin_operators:
        queue_build(transaction, build)
        return
    choice = choice_of_key(transaction.connection, key.plugins)
    chosen = choice.choose(key.target, prepared.plugin_operators)
    if chosen.problems:
        failure = Failure(FailureKind.UNSUPPORTED, State.PREPARING, chosen.problems[0], _LIST)
        end_build(transaction, build, State.FAILED, failure)
    elif chosen.plugins == key.plugins:
        queue_build(transaction, build)
    else:
        _rename(transaction, build, replace(key, plugins=chosen.plugins))


def _rename(transaction: Transaction, build: BuildRow, key: RequestKey) -> None:
    """Go on under the key with the plugins. Where something serves that key already, the requests go there instead."""
    connection = transaction.connection
    wanting = submissions.wanting(connection, build.id)
    orders = [(item, ordered(transaction, item, key, again=True)) for item in wanting]
    fresh = Prospect(None, None, key.digest)
    active = builds.active_for(connection, key.digest)
    looks = [look(connection, order, transaction.blobs.exists) for _, order in orders if order]
    if not active and all(found == fresh for found in looks):
        renamed = replace(build, key=key.digest, purpose=key.digest, spec=dumps(key))
        builds.change(connection, build.id, key=renamed.key, purpose=renamed.purpose, spec=renamed.spec)
        for request in wanting:
            submissions.change_request(connection, request.id, key=key.digest)
        queue_build(transaction, renamed)
        return
    builds.change(connection, build.id, state=State.CANCELLED, active=False, ended_at=transaction.at)
    transaction.emit("build", build=build.id, data={"state": State.CANCELLED})
    for request, order in orders:
        if order:
            _send(transaction, request, order, place(transaction, order))


def _send(transaction: Transaction, request: RequestRow, order: Order, found: Place) -> None:
    submissions.change_request(
        transaction.connection,
        request.id,
        key=order.key.digest,
        state=found.state,
        reason=found.reason,
        build_id=found.build_id,
        engine_id=found.engine_id,
        ended_at=transaction.at if found.state in ENDED_STATES else None,
    )
    data = {"state": found.state}
    transaction.emit("request", submission=request.submission_id, build=found.build_id, data=data)
