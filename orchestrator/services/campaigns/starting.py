"""Starts campaigns: what lives on the named hardware is found, compared with the toolchain, and written down."""

from __future__ import annotations

from farm.protocol.campaigns import CampaignAsk, CampaignDetail, CampaignState
from farm.protocol.codec import digest, dumps
from farm.protocol.errors import Conflict, Invalid, NotFound
from farm.protocol.model import check_name
from farm.protocol.submit import SubmitAsk
from orchestrator.rules.live import LiveEngine, Renewal, renewals
from orchestrator.rules.toolchains import Toolchain, doors, offered
from orchestrator.store import campaigns, offers, serving
from orchestrator.store.campaigns import CampaignRow, ItemRow
from orchestrator.store.database import Connection
from orchestrator.store.serving import Source

from ..caller import Caller
from ..context import Context
from ..ids import new_id
from ..transaction import Transaction
from .rounds import order_waiting
from .views import show

_MOST_WORDS = 256
_BACKENDS = ("tensorrt", "tensorrt_rtx", "onnxruntime")


def start(context: Context, ask: CampaignAsk, caller: Caller) -> CampaignDetail:
    """Begin a campaign. Its builds are ordered now and, where there are many, in the seconds that follow.

    Raises:
        Invalid: The ask cannot be right.
        NotFound: A model is unknown.
        TargetUnavailable: A word is unknown, or its devices do not have the toolchain.
        Conflict: There is nothing to build anew, or the idempotency key was used for something else.
    """
    toolchain = _checked(ask)
    with context.database.read() as connection:
        known = _repeated(connection, ask, caller)
        found = () if known else _items(connection, ask, toolchain)
    campaign_id = known or context.atomically(lambda transaction: _add(transaction, ask, found, caller))
    order_waiting(context)
    return show(context, campaign_id)


def _checked(ask: CampaignAsk) -> Toolchain:
    if ask.backend not in _BACKENDS:
        raise Invalid(f"{ask.backend[:40]!r} is no toolchain", f"Name one of {', '.join(_BACKENDS)}.")
    for name in ask.models:
        check_name(name, "name of a model")
    if max(len(ask.targets), len(ask.models)) > _MOST_WORDS:
        raise Invalid(f"more than {_MOST_WORDS} targets or models are named", "Use a filter, or several campaigns.")
    if ask.fail_if_slower_percent is not None and not 0 <= ask.fail_if_slower_percent < float("inf"):
        raise Invalid(f"{ask.fail_if_slower_percent} is not a percentage", "Give 5 for 5 %.")
    if not -1000 <= ask.priority <= 1000:
        raise Invalid(f"the priority {ask.priority} is out of range", "Give -1000 to 1000.")
    return Toolchain(ask.backend, ask.version)


def _repeated(connection: Connection, ask: CampaignAsk, caller: Caller) -> str | None:
    if ask.idempotency is None:
        return None
    known = campaigns.by_idempotency(connection, caller.token_id, ask.idempotency)
    if known and known.ask != ask:
        raise Conflict(f"the idempotency key of {known.id} was used for another campaign", "Make a new key for each.")
    return known.id if known else None


Found = tuple[tuple[Renewal, Source], ...]


def _items(connection: Connection, ask: CampaignAsk, toolchain: Toolchain) -> Found:
    """Every engine to be built anew, with the submission that says how."""
    unknown = serving.missing_names(connection, ask.models)
    if unknown:
        raise NotFound(f"there is no model {unknown[0]!r}", "Run farm models.")
    targets = offered(toolchain, ask.targets, offers.words(connection), offers.offers(connection))
    rows = {row.id: row for row in serving.live(connection, doors(toolchain.backend), ask.models)}
    sources = serving.sources(connection, tuple(rows))
    promoted = serving.promotions(connection)
    live = [
        LiveEngine(
            id=row.id,
            model=row.model,
            model_name=row.model_name,
            variant=_variant(sources[row.id].ask),
            target=row.key.target,
            degraded=row.degraded,
            created_at=row.created_at,
            promoted_at=promoted.get(row.key_digest),
        )
        for row in rows.values()
        if row.id in sources
    ]
    found = renewals(live, targets, toolchain)
    if not found:
        raise Conflict(
            f"nothing lives on {', '.join(ask.targets)} that was built without {toolchain}",
            "farm engines list shows what is there.",
        )
    return tuple((item, sources[item.former.id]) for item in found)


def _variant(ask: SubmitAsk) -> str:
    return digest({"options": ask.options, "steps": ask.steps, "plugins": ask.plugins})


def _add(transaction: Transaction, ask: CampaignAsk, found: Found, caller: Caller) -> str:
    (first, _), *_ = found
    row = CampaignRow(
        id=new_id("cmp"),
        asked=dumps(ask),
        backend=ask.backend,
        version=first.target.backend_version,
        state=CampaignState.RUNNING,
        created_at=transaction.at,
        created_by=caller.name,
        token_id=caller.token_id,
        idempotency=ask.idempotency,
    )
    items = [
        ItemRow(
            campaign_id=row.id,
            number=number,
            model=renewal.former.model,
            model_name=renewal.former.model_name,
            precision=source.ask.options.precision,
            target=dumps(renewal.target),
            former_engine_id=renewal.former.id,
            source_submission_id=source.submission_id,
        )
        for number, (renewal, source) in enumerate(found, 1)
    ]
    campaigns.add(transaction.connection, row, items)
    transaction.emit("campaign", data={"campaign": row.id, "state": row.state, "by": caller.name})
    return row.id
