"""Brings campaigns on: orders what is not ordered yet, and ends those of which nothing goes on.

All that a campaign has done is in its rows, one step for each transaction: a coordinator that was killed goes on there.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from farm.protocol.campaigns import CampaignState
from farm.protocol.errors import CoordinatorError, FarmError
from farm.protocol.states import Scope
from farm.protocol.submit import SubmitAsk
from orchestrator.rules.campaigns import BUILDING, verdict
from orchestrator.rules.targets import Resolved
from orchestrator.store import campaigns, submissions
from orchestrator.store.campaigns import CampaignRow, ItemRow

from ..caller import Caller
from ..context import Context
from ..ordering import orders_for
from ..submissions import accept, keep_blobs
from ..transaction import Transaction
from .views import compared

# A round holds up what else the reconciler does.
_ORDERS = 20


def advance(context: Context) -> int:
    """One round for all campaigns: how many steps it took."""
    with context.database.read() as connection:
        finished = campaigns.finished(connection)
    for campaign_id in finished:
        context.atomically(partial(_settle, campaign_id))
    return len(finished) + order_waiting(context)


def order_waiting(context: Context) -> int:
    """Submit what campaigns have not submitted yet, a batch of it: how many.

    Raises: CoordinatorError: the rest is for the next round.
    """
    with context.database.read() as connection:
        waiting = campaigns.unordered(connection, _ORDERS)
    for item in waiting:
        _order(context, item)
    return len(waiting)


def _order(context: Context, item: ItemRow) -> None:
    try:
        context.atomically(lambda transaction: _submit(context, transaction, item))
    except CoordinatorError:
        raise
    except FarmError as error:
        # It would be refused again in each round: told once, and tried again when somebody says so.
        refusal = str(error)
        context.atomically(lambda transaction: _refuse(transaction, item, refusal))


def _submit(context: Context, transaction: Transaction, item: ItemRow) -> None:
    connection = transaction.connection
    row = campaigns.by_id(connection, item.campaign_id, lock=True)
    if row is None or row.state not in BUILDING or campaigns.item(connection, row.id, item.number) != item:
        return
    source = submissions.by_id(connection, item.source_submission_id)
    if source is None:
        return
    ask = _ask(row, item, source.asked)
    keep_blobs(context, ask)
    target = item.built_for
    found = (Resolved(target.label(), target, (), recorded=False),)
    orders = orders_for(context, connection, ask, found, transaction.at)
    caller = Caller(row.token_id, row.created_by, Scope.SUBMIT)
    made = accept(context, transaction, ask, orders, caller)
    campaigns.note_submission(connection, item, made.id)


def _ask(row: CampaignRow, item: ItemRow, earlier: SubmitAsk) -> SubmitAsk:
    """What was asked for then, for the new target. Once it was tried, an earlier failure does not answer it."""
    tags = {name: value for name, value in earlier.tags.items() if name != "retry-of"}
    return replace(
        earlier,
        name=item.model_name,
        targets=(item.built_for.label(),),
        priority=row.ask.priority,
        tags={**tags, "campaign": row.id},
        force=item.tries > 0,
        idempotency=None,
    )


def _refuse(transaction: Transaction, item: ItemRow, refusal: str) -> None:
    if campaigns.item(transaction.connection, item.campaign_id, item.number) == item:
        campaigns.change_item(transaction.connection, item, refusal=refusal)


def _settle(campaign_id: str, transaction: Transaction) -> None:
    """End the running of a campaign: ready, or held for what stands against it."""
    connection = transaction.connection
    row = campaigns.by_id(connection, campaign_id, lock=True)
    if row is None or row.state is not CampaignState.RUNNING:
        return
    items = [item.renewed for item in compared(connection, row)]
    state, reason = verdict(items, row.ask.fail_if_slower_percent)
    if state is row.state:
        return
    decided_at = transaction.at if state is CampaignState.HELD else None
    campaigns.change(connection, row.id, state=str(state), reason=reason, decided_at=decided_at, decided_by="")
    transaction.emit("campaign", data={"campaign": row.id, "state": state, "reason": reason})
