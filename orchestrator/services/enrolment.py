"""A device introduces itself, and is tied to the token it came with."""

from __future__ import annotations

from dataclasses import replace

from farm.protocol import wakeup
from farm.protocol.errors import Conflict, Forbidden, Invalid
from farm.protocol.model import check_name
from farm.protocol.work import Enrolled, Enrolment
from orchestrator.rules.facts import check_facts
from orchestrator.rules.targets import served
from orchestrator.store import devices, offers, tokens
from orchestrator.store.devices import DeviceRow

from .caller import Caller
from .context import Context
from .ids import new_id
from .signals import work_for
from .transaction import Transaction

_MOST_SLOTS = 64
# Without a broker a worker holds a claim open; this is its pause between two of them.
_POLL_WITHOUT_BROKER_S = 1.0


def enrol(context: Context, ask: Enrolment, caller: Caller) -> Enrolled:
    """Make or renew the caller's device.

    A device that was lost or retired comes back; one that only restarts keeps its leases, which it may beat again.

    Raises: Invalid. Forbidden: the token is tied to another device, or may not serve these targets.
        Conflict: the name is taken by a recorded device, or by a device with another valid token.
    """
    _check(ask)
    with context.transaction() as transaction:
        _tie(transaction, ask, caller)
        known = devices.by_name(transaction.connection, ask.name)
        if known is not None and known.recorded:
            raise Conflict(
                f"{ask.name!r} is the name of a recorded device", "Enrol under another name, or retire that one."
            )
        row = _row(transaction, ask, caller, known)
        devices.put(transaction.connection, row)
        serves = served(ask.facts, row.name, row.allowed, offers.words(transaction.connection))
        devices.set_targets(transaction.connection, row.id, serves)
        transaction.emit("device", device=row.name, data={"state": "enrolled"})
        transaction.tell(work_for(row.id))
    broker_url = context.wakeups.worker_url(ask.name)
    return Enrolled(
        device=row.name,
        broker_url=broker_url,
        broker_prefix=wakeup.prefix_of(ask.name),
        queue=wakeup.QUEUE,
        poll_s=context.policy.poll_s if broker_url else _POLL_WITHOUT_BROKER_S,
        heartbeat_s=context.policy.heartbeat_s,
        lease_ttl_s=context.policy.lease_ttl_s,
    )


def _check(ask: Enrolment) -> None:
    check_name(ask.name, "device")
    wakeup.prefix_of(ask.name)
    check_name(ask.trust_group, "trust group")
    check_facts(ask.facts)
    if not ask.roles:
        raise Invalid(f"{ask.name} has no role", "Enrol with host, device or both.")
    if not ask.slots or len(set(ask.slots)) != len(ask.slots) or len(ask.slots) > _MOST_SLOTS:
        raise Invalid(f"{ask.name} needs from 1 to {_MOST_SLOTS} slots with different names")
    for slot in ask.slots:
        check_name(slot, "slot")


def _tie(transaction: Transaction, ask: Enrolment, caller: Caller) -> None:
    if caller.device is not None and caller.device != ask.name:
        raise Forbidden(
            f"this token is tied to the device {caller.device!r} and cannot enrol {ask.name!r}",
            "Create another worker token.",
        )
    foreign = sorted(set(ask.targets) - set(caller.targets)) if caller.targets else []
    if foreign:
        raise Forbidden(f"this token may not serve {', '.join(foreign)}", f"It may serve {', '.join(caller.targets)}.")
    if ask.trust_group != caller.trust_group:
        raise Forbidden(
            f"this token is for the trust group {caller.trust_group!r}, not {ask.trust_group!r}",
            "An administrator makes one with farm token create --trust-group.",
        )
    for other in tokens.tied_to(transaction.connection, ask.name):
        valid = other.revoked_at is None and (other.expires_at is None or other.expires_at > transaction.at)
        enrolled = devices.by_name(transaction.connection, ask.name) is not None
        if other.id != caller.token_id and valid and enrolled:
            raise Conflict(
                f"the device {ask.name!r} is tied to another token ({other.id})",
                "Enrol under another name, or revoke that token.",
            )
    tokens.tie(transaction.connection, caller.token_id, ask.name)


def _row(transaction: Transaction, ask: Enrolment, caller: Caller, known: DeviceRow | None) -> DeviceRow:
    row = known or DeviceRow(
        id=new_id("dev"), name=ask.name, recorded=False, facts=ask.facts, enrolled_at=transaction.at
    )
    return replace(
        row,
        facts=ask.facts,
        roles=ask.roles,
        slots=ask.slots,
        allowed=ask.targets or caller.targets,
        trust_group=ask.trust_group,
        retired=False,
        lost_leases=0,
        rests_until=None,
        last_seen_at=transaction.at,
    )
