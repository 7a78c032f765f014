"""What people decide about campaigns: each is one move in one transaction, with who made it."""

from __future__ import annotations

from collections.abc import Callable

from farm.protocol.campaigns import CampaignDetail, CampaignState
from farm.protocol.errors import Conflict
from orchestrator.rules.campaigns import check_move, check_promotable, problem
from orchestrator.store import campaigns, submissions
from orchestrator.store.campaigns import CampaignRow

from ..caller import Caller
from ..cancelling import cancel_requests
from ..context import Context
from ..transaction import Transaction
from .rounds import order_waiting
from .views import compared, detail, known, show

Work = Callable[[Transaction, CampaignRow], None]


def promote(context: Context, caller: Caller, campaign_id: str, force: bool = False) -> CampaignDetail:
    """Let fetch hand out the new engines, by `force` whatever stands against it; what failed keeps its former engine.

    Raises: NotFound. Conflict: something is not built yet, or stands against it.
    """

    def work(transaction: Transaction, row: CampaignRow) -> None:
        items = [item.renewed for item in compared(transaction.connection, row)]
        check_promotable(row.id, items, row.ask.fail_if_slower_percent, force)
        campaigns.change(transaction.connection, row.id, promoted_at=transaction.at)

    return _decide(context, caller, campaign_id, CampaignState.PROMOTED, work)


def hold(context: Context, caller: Caller, campaign_id: str, reason: str = "") -> CampaignDetail:
    """Keep a campaign from being promoted by somebody who only sees that it is ready; what is built goes on.

    Raises: NotFound. Conflict: it is promoted, or over.
    """
    told = reason or f"{caller.name} holds it"
    return _decide(context, caller, campaign_id, CampaignState.HELD, lambda transaction, row: None, told)


def roll_back(context: Context, caller: Caller, campaign_id: str) -> CampaignDetail:
    """Let fetch hand out what it did before; what is still built for the campaign alone is cancelled.

    Raises: NotFound. Conflict: it is over.
    """

    def work(transaction: Transaction, row: CampaignRow) -> None:
        connection, told = transaction.connection, f"{row.id} was rolled back by {caller.name}"
        campaigns.refuse_unordered(connection, row.id, told)
        cancel_requests(
            transaction, submissions.lock_requests(connection, campaigns.active_requests(connection, row.id)), told
        )

    return _decide(context, caller, campaign_id, CampaignState.ROLLED_BACK, work)


def close(context: Context, caller: Caller, campaign_id: str) -> CampaignDetail:
    """Give up the way back of a promoted campaign: garbage collection may take the former engines.

    Raises: NotFound. Conflict: it is not promoted.
    """
    return _decide(context, caller, campaign_id, CampaignState.CLOSED, lambda transaction, row: None)


def retry(context: Context, caller: Caller, campaign_id: str) -> CampaignDetail:
    """Order again what was refused, failed, or stands against promoting.

    Raises: NotFound. Conflict: nothing does, or the campaign is over.
    """

    def work(transaction: Transaction, row: CampaignRow) -> None:
        allowed = row.ask.fail_if_slower_percent
        bad = [item for item in compared(transaction.connection, row) if problem(item.renewed, allowed)]
        if not bad:
            raise Conflict(f"nothing of {row.id} failed", f"See farm campaign show {row.id}.")
        for one in bad:
            item = one.stand.item
            campaigns.change_item(transaction.connection, item, submission_id=None, refusal="", tries=item.tries + 1)

    _decide(context, caller, campaign_id, CampaignState.RUNNING, work, again=True)
    order_waiting(context)
    return show(context, campaign_id)


def _decide(
    context: Context,
    caller: Caller,
    campaign_id: str,
    state: CampaignState,
    work: Work,
    reason: str = "",
    again: bool = False,
) -> CampaignDetail:
    """The campaign after its move; one that has made it stays as it is, but for work that is done `again`."""

    def decide(transaction: Transaction) -> CampaignDetail:
        connection = transaction.connection
        row = known(connection, campaign_id, lock=True)
        if check_move(row.id, row.state, state) or again:
            work(transaction, row)
            about: dict[str, object] = {"reason": reason, "decided_at": transaction.at, "decided_by": caller.name}
            campaigns.change(connection, row.id, state=str(state), **about)
            data = {"campaign": row.id, "state": state, "from": row.state, "by": caller.name, "reason": reason}
            transaction.emit("campaign", data=data)
        return detail(connection, known(connection, campaign_id))

    return context.atomically(decide)
