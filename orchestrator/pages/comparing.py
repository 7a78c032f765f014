"""Engines side by side, the history of a model on a target, and the drift between devices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from farm.protocol.options import Precision
from orchestrator.api.scopes import READERS
from orchestrator.services import comparing, drift, history
from orchestrator.services.comparing import Side
from orchestrator.services.history import Line

from . import charts
from .routing import Pages, Visit

pages = Pages()


@dataclass(frozen=True)
class CompareQuery:
    """Which engines; the first is what the others are held against."""

    engine: tuple[str, ...] = ()


@dataclass(frozen=True)
class HistoryQuery:
    """Of which target, by its label; empty is the first there is."""

    target: str = ""


@dataclass(frozen=True)
class DriftQuery:
    """Of which precision."""

    precision: Precision | None = None


@pages.get("/compare", READERS, query=CompareQuery)
def compare_engines(visit: Visit[CompareQuery]) -> Response:
    """Engines side by side."""
    table = comparing.show(visit.context, visit.query.engine)
    return visit.page("compare.html", table=table, whiskers=_whiskers(table.sides), now=visit.context.clock())


@pages.get("/models/{name}/history", READERS, query=HistoryQuery)
def show_history(visit: Visit[HistoryQuery]) -> Response:
    """How long a model took on a target over time."""
    found = history.show(visit.context, visit.path["name"], visit.query.target)
    return visit.page("history.html", history=found, chart=_drawn(found.lines), now=visit.context.clock())


@pages.get("/models/{name}/drift", READERS, query=DriftQuery)
def show_drift(visit: Visit[DriftQuery]) -> Response:
    """How far devices differ in what a model gave."""
    found = drift.of_model(visit.context, visit.path["name"], visit.query.precision)
    words = [str(word) for word in Precision]
    return visit.page("drift.html", drift=found, query=visit.query, precisions=words, now=visit.context.clock())


def _whiskers(sides: tuple[Side, ...]) -> dict[str, dict[str, float]]:
    """For each engine with a time: from its least sample to its p95, its median between, as places in a picture."""
    timed = {side.engine.id: side.benchmark.latency for side in sides if side.benchmark and side.benchmark.latency}
    most = max((latency.p95_ms for latency in timed.values()), default=0.0) or 1.0
    return {
        engine: {
            "low": round(100 * latency.minimum_ms / most, 2),
            "median": round(100 * latency.median_ms / most, 2),
            "high": round(100 * latency.p95_ms / most, 2),
        }
        for engine, latency in timed.items()
    }


def _drawn(lines: tuple[Line, ...]) -> dict[str, Any] | None:
    """Every measurement with a time as a point, by precision, and the scales; None where there is none."""
    moments = [moment for line in lines for moment in line.moments if moment.point.median_ms is not None]
    if not moments:
        return None
    ats = [moment.point.at for moment in moments]
    across = charts.horizontal(min(ats), max(ats))
    up = charts.vertical(*charts.room([float(moment.point.median_ms or 0.0) for moment in moments]))
    drawn = []
    for line in lines:
        points = [
            (across.at(moment.point.at), up.at(moment.point.median_ms), moment)
            for moment in line.moments
            if moment.point.median_ms is not None
        ]
        if points:
            drawn.append((line.precision, charts.path([point[:2] for point in points]), points))
    return {"lines": drawn, "beside": up.ticks(4), "first": min(ats), "last": max(ats)}
