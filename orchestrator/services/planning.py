"""Says what a submit would do, and does none of it."""

from __future__ import annotations

from farm.protocol.codec import digest
from farm.protocol.states import State
from farm.protocol.submit import Plan, PlanRow, SubmitAsk
from farm.protocol.target import BuildTarget
from orchestrator.rules.estimates import Wanted, estimate
from orchestrator.rules.mechanism import mechanism
from orchestrator.rules.targets import Resolved
from orchestrator.store import build_lists, builds, offers
from orchestrator.store.database import Connection

from .context import Context
from .ordering import orders_of
from .orders import Order
from .placing import Prospect, look
from .submissions import check

_HITS = {State.CACHED: "hit", State.FAILED: "failed", State.QUARANTINED: "quarantined"}


def plan(context: Context, ask: SubmitAsk) -> Plan:
    """A row for each target, recorded devices included. The blobs of the model need not be stored.

    Raises: Invalid. TargetUnavailable: a word is unknown, ambiguous, or matches no device.
    """
    check(ask)
    with context.database.read() as connection:
        at = context.clock()
        host = bool(offers.host_tools(connection, at - context.policy.gone_s))
        rows = tuple(
            _row(context, connection, resolved, order, host, ask.manifest.size_bytes)
            for resolved, order in orders_of(context, connection, ask, at)
        )
    return Plan(ask.name, ask.manifest.digest, rows)


def _row(
    context: Context, connection: Connection, resolved: Resolved, order: Order, host: bool, size_bytes: int
) -> PlanRow:
    target, how = resolved.target, mechanism(resolved.target, order.key.options)
    prospect = look(connection, order, context.blobs.exists)
    problems = [*how.problems, *order.problems]
    if not resolved.recorded and not host and not order.key.only_compiles:
        problems.append("no host has enrolled to prepare models")
    return PlanRow(
        word=resolved.word,
        target=target.label(),
        backend=target.backend,
        backend_version=target.backend_version,
        gpu=target.gpu.name if target.gpu else None,
        toolchain=_toolchain(target),
        precision_mechanism=how.precision,
        plugin_generation=how.plugins,
        key=order.key.digest,
        hit=_hit(connection, prospect),
        engine=prospect.place.engine_id if prospect.place else None,
        devices=() if resolved.recorded else resolved.devices,
        estimate_s=_usual_s(
            connection, digest(target), Wanted(order.key.model, order.key.options.precision, size_bytes)
        ),
        problems=tuple(problems),
        request_key=order.key,
        recorded=resolved.devices if resolved.recorded else (),
        plugin_operators=order.operators,
    )


def _usual_s(connection: Connection, target_digest: str, wanted: Wanted) -> float | None:
    found = estimate(build_lists.times(connection, (target_digest,))[target_digest], wanted)
    return found.seconds if found else None


def _hit(connection: Connection, prospect: Prospect) -> str:
    if prospect.place:
        return _HITS[prospect.place.state]
    return "building" if builds.is_running(connection, prospect.purpose) else "miss"


def _toolchain(target: BuildTarget) -> dict[str, str]:
    measured = {"cuda": target.cuda, "driver": target.driver, "l4t": target.l4t}
    return {**target.toolchain, **{name: version for name, version in measured.items() if version}}
