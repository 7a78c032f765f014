"""What campaigns change in what fetch hands out, and what lives at all."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, exists, func, select

from farm.protocol.campaigns import CampaignState
from farm.protocol.codec import loads
from farm.protocol.keys import RequestKey
from farm.protocol.states import GOOD_STATES
from farm.protocol.submit import SubmitAsk
from orchestrator.rules.campaigns import OPEN, SERVING

from .parsing import key_of
from .tables import build, campaign, campaign_item, campaign_submission, engine, request, submission, tag

_GOOD = tuple(str(state) for state in GOOD_STATES)
_CHUNK = 500
_LIVE = ("id", "model", "build_id", "key", "degraded", "created_at")


@dataclass(frozen=True)
class Ordered:
    """Who had an engine built or found: campaigns with their states, newest last, and whether anybody else did."""

    campaigns: tuple[tuple[str, CampaignState], ...]
    otherwise: bool


@dataclass(frozen=True)
class LiveRow:
    """An engine of a model that a name points at."""

    id: str
    model: str
    model_name: str
    build_id: str
    key: RequestKey
    key_digest: str
    degraded: bool
    created_at: float


@dataclass(frozen=True)
class Source:
    """The newest submission that an engine served, and what it asked for."""

    submission_id: str
    ask: SubmitAsk


def ordered(connection: Connection, model: str) -> Mapping[str, Ordered]:
    """Of the engines of a model, those that a campaign ordered, by id."""
    query = (
        select(request.c.engine_id, campaign.c.id, campaign.c.state)
        .join(campaign_submission, campaign_submission.c.submission_id == request.c.submission_id)
        .join(campaign, campaign.c.id == campaign_submission.c.campaign_id)
        .where(campaign_submission.c.model == model, request.c.engine_id.is_not(None), request.c.state.in_(_GOOD))
        .order_by(campaign.c.created_at)
    )
    campaigns: dict[str, dict[str, CampaignState]] = {}
    for engine_id, campaign_id, state in connection.execute(query):
        campaigns.setdefault(engine_id, {})[campaign_id] = CampaignState(state)
    others = _asked_otherwise(connection, campaigns) if campaigns else frozenset()
    return {one: Ordered(tuple(by.items()), one in others) for one, by in campaigns.items()}


def _asked_otherwise(connection: Connection, engine_ids: Collection[str]) -> frozenset[str]:
    """Those of these engines that somebody asked for who is no campaign."""
    own = exists().where(campaign_submission.c.submission_id == request.c.submission_id)
    asked = exists().where(request.c.engine_id == engine.c.id, request.c.state.in_(_GOOD), ~own)
    return frozenset(connection.execute(select(engine.c.id).where(engine.c.id.in_(engine_ids), asked)).scalars())


def promotions(connection: Connection, model: str | None = None) -> dict[str, float]:
    """The keys that campaigns promoted and that were not rolled back, with the moment of the newest promotion."""
    query = (
        select(request.c.key, func.max(campaign.c.promoted_at).label("at"))
        .join(campaign_item, campaign_item.c.submission_id == request.c.submission_id)
        .join(campaign, campaign.c.id == campaign_item.c.campaign_id)
        .where(campaign.c.state.in_([str(state) for state in SERVING]), request.c.state.in_(_GOOD))
        .group_by(request.c.key)
    )
    if model is not None:
        query = query.where(campaign_item.c.model == model)
    return {row.key: row.at for row in connection.execute(query)}


def live(connection: Connection, backends: Collection[str], names: Collection[str] = ()) -> Iterator[LiveRow]:
    """Every engine of these backends that fetch may hand out under a name, by its first name."""
    name = func.min(tag.c.name).label("name")
    pointing = select(tag.c.model, name).group_by(tag.c.model)
    if names:
        pointing = pointing.where(tag.c.name.in_(names))
    named = pointing.subquery()
    query = (
        select(*(engine.c[column] for column in _LIVE), build.c.spec, named.c.name)
        .join(named, named.c.model == engine.c.model)
        .join(build, build.c.id == engine.c.build_id)
        .where(engine.c.removed_at.is_(None), ~engine.c.quarantined, engine.c.backend.in_(backends))
        .order_by(engine.c.created_at, engine.c.id)
    )
    for row in connection.execute(query):
        key = key_of(row.spec)
        yield LiveRow(row.id, row.model, row.name, row.build_id, key, row.key, bool(row.degraded), row.created_at)


def sources(connection: Connection, engine_ids: Sequence[str]) -> dict[str, Source]:
    """What engines were asked for by, by id; one of which no submission is known is left out."""
    found: dict[str, tuple[str, str]] = {}
    for first in range(0, len(engine_ids), _CHUNK):
        query = (
            select(request.c.engine_id, submission.c.id, submission.c.ask)
            .join(submission, submission.c.id == request.c.submission_id)
            .where(request.c.engine_id.in_(engine_ids[first : first + _CHUNK]), request.c.state.in_(_GOOD))
            .order_by(submission.c.created_at, submission.c.id)
        )
        found.update({row.engine_id: (row.id, row.ask) for row in connection.execute(query)})
    asks = {text: loads(SubmitAsk, text) for _, text in found.values()}
    return {engine_id: Source(made_by, asks[text]) for engine_id, (made_by, text) in found.items()}


def missing_names(connection: Connection, names: Collection[str]) -> tuple[str, ...]:
    """Those of these names that point at nothing."""
    known = set(connection.execute(select(tag.c.name).where(tag.c.name.in_(names))).scalars())
    return tuple(name for name in names if name not in known)


def campaign_with_former(connection: Connection, engine_id: str) -> str | None:
    """The campaign, not over, that goes back to an engine."""
    query = (
        select(campaign.c.id)
        .join(campaign_item, campaign_item.c.campaign_id == campaign.c.id)
        .where(campaign_item.c.former_engine_id == engine_id, campaign.c.state.in_([str(state) for state in OPEN]))
    )
    return connection.execute(query.limit(1)).scalar()


def needed(connection: Connection) -> frozenset[str]:
    """The engines of both sides of campaigns that are not over."""
    is_open = campaign.c.state.in_([str(state) for state in OPEN])
    items = campaign_item.join(campaign, campaign.c.id == campaign_item.c.campaign_id)
    formers = select(campaign_item.c.former_engine_id).select_from(items).where(is_open)
    renewed = (
        select(request.c.engine_id)
        .select_from(items.join(request, request.c.submission_id == campaign_item.c.submission_id))
        .where(is_open, request.c.engine_id.is_not(None))
    )
    return frozenset(connection.execute(formers.union(renewed)).scalars())
