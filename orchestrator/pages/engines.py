"""One engine: its numbers, its proof, what it is made of and how it came to be."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from starlette.responses import Response

from farm.protocol.codec import to_json
from farm.protocol.report import BenchmarkReport
from farm.protocol.views import AttemptView
from orchestrator.api.scopes import READERS
from orchestrator.services import engine_story

from . import charts
from .routing import Pages, Visit

pages = Pages()

_LAYERS = 20


@pages.get("/engines/{id}", READERS)
def show_engine(visit: Visit[None]) -> Response:
    """One engine with its evidence."""
    story = engine_story.tell(visit.context, visit.path["id"])
    samples = story.samples
    key = story.detail.manifest.key
    return visit.page(
        "engine.html",
        story=story,
        engine=story.detail.engine,
        manifest=story.detail.manifest,
        verification=next(iter(story.detail.verifications), None),
        benchmark=story.benchmark,
        chart=charts.columns(samples.counts, samples.first, samples.width) if samples else None,
        marks=_marks(story.benchmark),
        layers=_layers(story.benchmark),
        attempt=_published(story.build.attempts),
        key_fields=tuple(_leaves("", to_json(key))),
        now=visit.context.clock(),
    )


def _marks(report: BenchmarkReport | None) -> tuple[tuple[str, float], ...]:
    """The percentiles that a histogram marks."""
    if report is None or report.latency is None:
        return ()
    times = asdict(report.latency)
    return tuple((word, times[f"{name}_ms"]) for word, name in (("p50", "median"), ("p90", "p90"), ("p99", "p99")))


def _layers(report: BenchmarkReport | None) -> tuple[dict[str, Any], ...]:
    """The slowest layers, each with its part of the slowest as `bar`, in hundredths."""
    told = [layer for layer in (report.layers if report else ()) if isinstance(layer.get("mean_ms"), (int, float))]
    slowest = max((layer["mean_ms"] for layer in told), default=0.0)
    if slowest <= 0.0:
        return ()
    shown = sorted(told, key=lambda layer: -float(layer["mean_ms"]))[:_LAYERS]
    return tuple({"operator": "", "share": None, **layer, "bar": 100 * layer["mean_ms"] / slowest} for layer in shown)


def _published(attempts: tuple[AttemptView, ...]) -> AttemptView | None:
    """The attempt that made it."""
    return next((item for item in reversed(attempts) if item.end == "published"), None)


def _leaves(path: str, value: Any) -> Any:
    """Every field of a key that says something, by its path."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(f"{path}.{name}" if path else name, inner)
    elif isinstance(value, list) and value and isinstance(value[0], (dict, list)):
        for place, inner in enumerate(value):
            yield from _leaves(f"{path}[{place}]", inner)
    elif value not in (None, "", []):
        yield path, ", ".join(map(str, value)) if isinstance(value, list) else value
