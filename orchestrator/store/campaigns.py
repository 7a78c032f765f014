"""Rows of campaigns and of the engines that each builds anew."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, exists, func, insert, select, update

from farm.protocol.campaigns import CampaignAsk, CampaignState
from farm.protocol.codec import loads
from farm.protocol.options import BenchmarkPolicy, Precision
from farm.protocol.states import ENDED_STATES, State
from farm.protocol.target import BuildTarget
from orchestrator.rules.campaigns import BUILDING

from . import statements
from .parsing import benchmark_of, target_of
from .tables import campaign, campaign_item, campaign_submission, request, submission, tag

_ACTIVE = tuple(state for state in State if state not in ENDED_STATES)


@dataclass(frozen=True)
class CampaignRow:
    """One campaign; columns as they are stored."""

    id: str
    asked: str
    backend: str
    version: str
    state: CampaignState
    created_at: float
    created_by: str
    token_id: str
    idempotency: str | None = None
    reason: str = ""
    decided_at: float | None = None
    decided_by: str = ""
    promoted_at: float | None = None

    @property
    def ask(self) -> CampaignAsk:
        """What was asked for."""
        return loads(CampaignAsk, self.asked)


@dataclass(frozen=True)
class ItemRow:
    """One engine that is built anew; columns as they are stored."""

    campaign_id: str
    number: int
    model: str
    model_name: str
    precision: Precision
    target: str
    former_engine_id: str
    source_submission_id: str
    submission_id: str | None = None
    refusal: str = ""
    tries: int = 0

    @property
    def built_for(self) -> BuildTarget:
        """What the new engine is for."""
        return target_of(self.target)


@dataclass(frozen=True)
class ItemStand:
    """An engine with where its request stands; everything of the request is None before there is one.

    Attributes:
        current: The name points at its model.
    """

    item: ItemRow
    state: State | None
    build_id: str | None
    engine_id: str | None
    reason: str
    current: bool


def add(connection: Connection, row: CampaignRow, items: Sequence[ItemRow]) -> None:
    """Store a campaign with its items.

    Raises: Raced: one with the same idempotency key was stored first.
    """
    connection.execute(insert(campaign).values(**asdict(row)))
    connection.execute(insert(campaign_item), [asdict(item) for item in items])


def by_id(connection: Connection, campaign_id: str, lock: bool = False) -> CampaignRow | None:
    """The campaign of this id; locked against other writers when asked."""
    row = connection.execute(statements.by_id(campaign, lock), {"id": campaign_id}).mappings().first()
    return _campaign(row) if row else None


def by_idempotency(connection: Connection, token_id: str, idempotency: str) -> CampaignRow | None:
    """What this token has started under this key."""
    mine = (campaign.c.token_id == token_id) & (campaign.c.idempotency == idempotency)
    row = connection.execute(select(campaign).where(mine)).mappings().first()
    return _campaign(row) if row else None


def newest(connection: Connection, limit: int, states: Collection[CampaignState] = ()) -> tuple[CampaignRow, ...]:
    """The newest campaigns, in one of these states where any are given."""
    query = select(campaign).order_by(campaign.c.created_at.desc(), campaign.c.id.desc()).limit(limit)
    if states:
        query = query.where(campaign.c.state.in_([str(state) for state in states]))
    return tuple(_campaign(row) for row in connection.execute(query).mappings())


def change(connection: Connection, campaign_id: str, **columns: Any) -> None:
    """Change single columns."""
    statements.change(connection, campaign, campaign_id, columns)


def unordered(connection: Connection, limit: int) -> tuple[ItemRow, ...]:
    """Items that nothing was submitted for yet, of campaigns that are still built, oldest first."""
    query = (
        select(campaign_item)
        .join(campaign, campaign.c.id == campaign_item.c.campaign_id)
        .where(
            campaign.c.state.in_([str(state) for state in BUILDING]),
            campaign_item.c.submission_id.is_(None),
            campaign_item.c.refusal == "",
        )
        .order_by(campaign.c.created_at, campaign_item.c.campaign_id, campaign_item.c.number)
    )
    return tuple(_item(row) for row in connection.execute(query.limit(limit)).mappings())


def finished(connection: Connection) -> tuple[str, ...]:
    """Running campaigns of which nothing goes on."""
    ordered = campaign_item.outerjoin(request, request.c.submission_id == campaign_item.c.submission_id)
    goes_on = (campaign_item.c.submission_id.is_(None) & (campaign_item.c.refusal == "")) | request.c.state.in_(_ACTIVE)
    active = exists().select_from(ordered).where(campaign_item.c.campaign_id == campaign.c.id, goes_on)
    query = select(campaign.c.id).where(campaign.c.state == str(CampaignState.RUNNING), ~active)
    return tuple(connection.execute(query).scalars())


def item(connection: Connection, campaign_id: str, number: int) -> ItemRow | None:
    """One item."""
    query = select(campaign_item).where(_is(campaign_id, number))
    row = connection.execute(query).mappings().first()
    return _item(row) if row else None


def change_item(connection: Connection, row: ItemRow, **columns: Any) -> None:
    """Change single columns of an item."""
    connection.execute(update(campaign_item).where(_is(row.campaign_id, row.number)).values(**columns))


def note_submission(connection: Connection, row: ItemRow, submission_id: str) -> None:
    """Remember what was submitted for an item."""
    made = {"submission_id": submission_id, "campaign_id": row.campaign_id, "model": row.model}
    connection.execute(insert(campaign_submission).values(made))
    change_item(connection, row, submission_id=submission_id)


def stands(connection: Connection, campaign_id: str) -> tuple[ItemStand, ...]:
    """The items of a campaign with where each stands, in their order."""
    named = exists().where(tag.c.name == campaign_item.c.model_name, tag.c.model == campaign_item.c.model)
    query = (
        select(
            campaign_item,
            request.c.state,
            request.c.build_id,
            request.c.engine_id,
            func.coalesce(request.c.reason, "").label("reason"),
            named.label("current"),
        )
        .outerjoin(request, request.c.submission_id == campaign_item.c.submission_id)
        .where(campaign_item.c.campaign_id == campaign_id)
        .order_by(campaign_item.c.number)
    )
    return tuple(_stand(row) for row in connection.execute(query).mappings())


def benchmarks(connection: Connection, campaign_id: str) -> Mapping[str, BenchmarkPolicy]:
    """How the engines of a campaign are measured, by the submissions that asked for the former ones."""
    query = (
        select(submission.c.id, submission.c.ask)
        .join(campaign_item, campaign_item.c.source_submission_id == submission.c.id)
        .where(campaign_item.c.campaign_id == campaign_id)
    )
    return {row.id: benchmark_of(row.ask) for row in connection.execute(query)}


def counts(connection: Connection, campaign_ids: Collection[str]) -> Mapping[str, dict[str, int]]:
    """How many items of campaigns are in which state; what could not be ordered has failed."""
    found: dict[str, dict[str, int]] = {campaign_id: {} for campaign_id in campaign_ids}
    query = (
        select(campaign_item.c.campaign_id, campaign_item.c.refusal, request.c.state, func.count())
        .outerjoin(request, request.c.submission_id == campaign_item.c.submission_id)
        .where(campaign_item.c.campaign_id.in_(campaign_ids))
        .group_by(campaign_item.c.campaign_id, campaign_item.c.refusal, request.c.state)
    )
    for campaign_id, refusal, state, count in connection.execute(query):
        word = str(State.FAILED) if refusal else str(state or State.WAITING)
        found[campaign_id][word] = found[campaign_id].get(word, 0) + count
    return found


def refuse_unordered(connection: Connection, campaign_id: str, refusal: str) -> None:
    """Let what was never ordered end with this refusal."""
    columns = campaign_item.c
    unordered = columns.submission_id.is_(None) & (columns.refusal == "")
    connection.execute(
        update(campaign_item).where(columns.campaign_id == campaign_id, unordered).values(refusal=refusal)
    )


def active_requests(connection: Connection, campaign_id: str) -> tuple[str, ...]:
    """The requests that a campaign still waits for."""
    query = (
        select(request.c.id)
        .join(campaign_item, campaign_item.c.submission_id == request.c.submission_id)
        .where(campaign_item.c.campaign_id == campaign_id, request.c.ended_at.is_(None))
    )
    return tuple(connection.execute(query).scalars())


def _is(campaign_id: str, number: int) -> Any:
    return (campaign_item.c.campaign_id == campaign_id) & (campaign_item.c.number == number)


def _campaign(row: Any) -> CampaignRow:
    return CampaignRow(**{**row, "state": CampaignState(row["state"])})


def _item(row: Any) -> ItemRow:
    told = {column.name: row[column.name] for column in campaign_item.columns}
    return ItemRow(**{**told, "precision": Precision(told["precision"])})


def _stand(row: Any) -> ItemStand:
    return ItemStand(
        item=_item(row),
        state=State(row["state"]) if row["state"] else None,
        build_id=row["build_id"],
        engine_id=row["engine_id"],
        reason=row["reason"],
        current=bool(row["current"]),
    )
