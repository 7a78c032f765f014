"""What a campaign shows: where it stands, and what became of each engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from farm.protocol.campaigns import (
    CampaignDetail,
    CampaignItem,
    CampaignState,
    CampaignView,
    EngineStand,
    Speed,
    SpeedChange,
)
from farm.protocol.errors import NotFound
from farm.protocol.exits import worst
from farm.protocol.options import BenchmarkPolicy
from farm.protocol.report import VerificationReport
from farm.protocol.states import State
from orchestrator.rules.campaigns import Renewed, exit_code, problem
from orchestrator.rules.comparison import Comparison, compare, timed
from orchestrator.store import campaigns
from orchestrator.store.campaigns import CampaignRow, ItemStand
from orchestrator.store.database import Connection
from orchestrator.store.proven import Proven, proven

from ..clock import iso, iso_or_none
from ..context import Context
from ..orders import measure_digest

_MOST = 1000


@dataclass(frozen=True)
class Compared:
    """One engine of a campaign beside what it is to replace."""

    stand: ItemStand
    before: Proven | None
    after: Proven | None
    speed: Comparison | None

    @property
    def renewed(self) -> Renewed:
        """What the rules look at."""
        item, stand = self.stand.item, self.stand
        measured = self.after.benchmark if self.after else None
        return Renewed(
            name=f"{item.model_name} for {item.built_for.label()}",
            state=stand.state,
            speed=self.speed,
            refusal=item.refusal,
            reason=stand.reason,
            noisy=measured is not None and measured.noisy,
            gone=stand.engine_id is not None and (self.after is None or self.after.removed),
        )


def every(context: Context, limit: int = 100) -> tuple[CampaignView, ...]:
    """Campaigns, newest first."""
    with context.database.read() as connection:
        rows = campaigns.newest(connection, min(limit, _MOST))
        states = campaigns.counts(connection, [row.id for row in rows])
        return tuple(_view(row, states[row.id]) for row in rows)


def show(context: Context, campaign_id: str) -> CampaignDetail:
    """One campaign. Raises: NotFound."""
    with context.database.read() as connection:
        return detail(connection, known(connection, campaign_id))


def known(connection: Connection, campaign_id: str, lock: bool = False) -> CampaignRow:
    """The row of a campaign. Raises: NotFound."""
    row = campaigns.by_id(connection, campaign_id, lock)
    if row is None:
        raise NotFound(f"there is no campaign {campaign_id[:80]!r}", "Run farm campaign list.")
    return row


def detail(connection: Connection, row: CampaignRow) -> CampaignDetail:
    """A campaign with everything that is known about its engines."""
    allowed = row.ask.fail_if_slower_percent
    items = compared(connection, row)
    codes = [exit_code(item.renewed, allowed) for item in items]
    ended = [code for code in codes if code is not None]
    return CampaignDetail(
        campaign=_view(row, campaigns.counts(connection, [row.id])[row.id]),
        items=tuple(_item(item, allowed) for item in items),
        exit_code=int(worst(ended)) if len(ended) == len(codes) else None,
    )


def compared(connection: Connection, row: CampaignRow) -> tuple[Compared, ...]:
    """Every engine of a campaign beside its former one."""
    stands = campaigns.stands(connection, row.id)
    policies = _policies(stands, campaigns.benchmarks(connection, row.id))
    found = proven(connection, policies)
    return tuple(_compared(stand, found) for stand in stands)


def _policies(stands: Sequence[ItemStand], asked: Mapping[str, BenchmarkPolicy]) -> dict[str, str]:
    """Both engines of each item, to the policy under which the new one is measured."""
    policies: dict[str, str] = {}
    for stand in stands:
        measure = measure_digest(asked[stand.item.source_submission_id])
        policies.update(
            {engine_id: measure for engine_id in (stand.item.former_engine_id, stand.engine_id) if engine_id}
        )
    return policies


def _compared(stand: ItemStand, found: dict[str, Proven]) -> Compared:
    before, after = found.get(stand.item.former_engine_id), found.get(stand.engine_id or "")
    if after is None:
        return Compared(stand, before, None, None)
    speed = compare(timed(before.benchmark if before else None), timed(after.benchmark))
    return Compared(stand, before, after, speed)


def _view(row: CampaignRow, states: dict[str, int]) -> CampaignView:
    ask = row.ask
    return CampaignView(
        id=row.id,
        state=row.state,
        backend=row.backend,
        version=row.version,
        targets=ask.targets,
        models=ask.models,
        created_at=iso(row.created_at),
        created_by=row.created_by,
        fail_if_slower_percent=ask.fail_if_slower_percent,
        states=states,
        reason=row.reason if row.state is CampaignState.HELD else "",
        decided_at=iso_or_none(row.decided_at),
        decided_by=row.decided_by,
    )


def _item(item: Compared, allowed_percent: float | None) -> CampaignItem:
    row, renewed = item.stand.item, item.renewed
    code = exit_code(renewed, allowed_percent)
    state = State.FAILED if row.refusal else item.stand.state or State.WAITING
    return CampaignItem(
        number=row.number,
        model_name=row.model_name,
        model=row.model,
        target=row.built_for.label(),
        precision=row.precision,
        state=state,
        submission=row.submission_id,
        build=item.stand.build_id,
        before=_stand(item.before) if item.before and not item.before.removed else None,
        after=_stand(item.after) if item.after and not item.after.removed else None,
        speed=_speed(item.speed) if item.speed else None,
        exit_code=None if code is None else int(code),
        problem=problem(renewed, allowed_percent),
        superseded=not item.stand.current,
    )


def _speed(found: Comparison) -> SpeedChange:
    return SpeedChange(
        speed=Speed(found.change.value),
        percent=None if found.ratio is None else 100 * (found.ratio - 1),
        noise_percent=None if found.noise is None else 100 * found.noise,
        reason=found.reason,
    )


def _stand(engine: Proven) -> EngineStand:
    latency = engine.benchmark.latency if engine.benchmark else None
    return EngineStand(
        engine=engine.id,
        version=engine.backend_version,
        size_bytes=engine.size_bytes,
        built_on=engine.built_on,
        verdict=engine.verification.verdict if engine.verification else None,
        max_error=_max_error(engine.verification),
        latency_ms=latency.median_ms if latency else None,
    )


def _max_error(report: VerificationReport | None) -> float | None:
    known = [item.absolute.maximum for item in report.outputs if item.absolute.maximum is not None] if report else []
    return max(known, default=None)
