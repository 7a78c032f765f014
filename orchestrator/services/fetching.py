"""The engine that fits a device, of the model its name points at now."""

from __future__ import annotations

from farm.protocol.codec import to_json
from farm.protocol.errors import FarmError, NoEngine
from farm.protocol.model import check_digest
from farm.protocol.submit import FetchAnswer, FetchAsk
from orchestrator.rules.campaigns import awaited
from orchestrator.rules.fetch import Stored, Wish, choose, considered
from orchestrator.store import catalog, serving
from orchestrator.store import engines as rows
from orchestrator.store.database import Connection
from orchestrator.store.engines import EngineRow
from orchestrator.store.serving import Ordered

from .context import Context
from .engines import with_reports

_MOST = 1000


def fetch(context: Context, ask: FetchAsk) -> FetchAnswer:
    """The engine to take, with its newest reports in the manifest. Unverified ones are handed out, and say so.

    Never one of a model that the name pointed at before, unless `ask.model` names it, nor one that was only made for a
    campaign which is not promoted, unless `ask.key` does.

    Raises:
        NoEngine: Nothing has this name, or nothing fits; `details.considered` holds every candidate.
        Conflict: Several variants fit.
    """
    with context.transaction() as transaction:
        connection = transaction.connection
        digest = _model(connection, ask)
        found = rows.newest(connection, _MOST, digest=digest)
        ordered, promoted = serving.ordered(connection, digest), serving.promotions(connection, digest)
        stored = tuple(_stored(connection, row, ordered.get(row.id), promoted.get(row.key)) for row in found)
        older = None if stored or ask.model else _older(connection, ask.name)
        wish = Wish(ask.name, ask.facts, ask.allow, ask.precision, ask.key, older)
        try:
            taken, candidates = choose(stored, wish)
        except FarmError as error:
            error.details["considered"] = to_json(considered(stored, wish))
            raise
        rows.change(connection, taken.engine, fetched_at=transaction.at)
        manifest = with_reports(connection, taken.engine)
    return FetchAnswer(taken.engine, manifest, taken.tier or ask.allow, candidates)


def _model(connection: Connection, ask: FetchAsk) -> str:
    points_at = catalog.pointed_at(connection, ask.name)
    if points_at is None:
        raise NoEngine(f"there is no model {ask.name[:80]!r}", "Run farm models.")
    return check_digest(ask.model) if ask.model else points_at


def _older(connection: Connection, name: str) -> str | None:
    """The model of the newest engine that was built under this name."""
    built = rows.newest(connection, 1, model=name)
    return built[0].model if built else None


def _stored(connection: Connection, row: EngineRow, ordered: Ordered | None, promoted_at: float | None) -> Stored:
    return Stored(
        id=row.id,
        label=row.label,
        precision=row.precision,
        key=row.key,
        spec=rows.manifest(connection, row.id).key,
        requirement=row.requirement,
        created_at=row.created_at,
        degraded=row.degraded,
        refusal="quarantined: its outputs were wrong" if row.quarantined else "",
        awaits=_awaits(ordered) if ordered else "",
        promoted_at=promoted_at,
    )


def _awaits(ordered: Ordered) -> str:
    """The newest campaign that an engine was made for, where none that ordered it is promoted."""
    campaigns = dict(ordered.campaigns)
    return next(reversed(campaigns)) if awaited(campaigns.values(), ordered.otherwise) else ""
