"""One engine with how it came to be: its build and its preparation, what it was made of, its samples, its siblings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from farm.protocol.errors import FarmError, NotFound
from farm.protocol.model import FileRef
from farm.protocol.report import BenchmarkReport
from farm.protocol.samples import unpack
from farm.protocol.views import BuildView, EngineDetail, EngineView
from orchestrator.rules.histogram import Histogram, histogram
from orchestrator.store import builds, catalog, preparations
from orchestrator.store import engines as rows

from . import build_views, engines
from .context import Context

_MOST_BINS = 48
_SIBLINGS = 40


@dataclass(frozen=True)
class Preparation:
    """What a host made of the model.

    Attributes:
        steps: Name, nodes before and after, seconds of each; none once the prepared graph was given up.
        reference: Where the reference outputs came from.
    """

    id: str
    state: str
    steps: tuple[dict[str, Any], ...]
    reference: str


@dataclass(frozen=True)
class Story:
    """Everything that is known of an engine.

    Attributes:
        benchmark: The newest measurement that was not noisy, else the newest.
        samples: Of this measurement; None where they are not stored.
        model_files: Of the model it was built from; none once that is not known any more.
        siblings: Other engines of the model or of its name, newest first.
    """

    detail: EngineDetail
    build: BuildView
    preparation: Preparation | None
    benchmark: BenchmarkReport | None
    samples: Histogram | None
    model_files: tuple[FileRef, ...]
    siblings: tuple[EngineView, ...]


def tell(context: Context, engine_id: str) -> Story:
    """One engine.

    Raises: NotFound
    """
    detail = engines.show(context, engine_id)
    with context.database.read() as connection:
        build = builds.by_id(connection, rows.built_by(connection, engine_id) or "")
        if build is None:
            raise NotFound(f"there is no engine {engine_id[:80]!r}", "Run farm engines list.")
        prepared = preparations.by_id(connection, build.preparation_id)
        model = catalog.manifest_of(connection, build.model)
        alike = rows.newest(connection, _SIBLINGS + 1, model=detail.engine.model_name)
    measured = sorted(detail.benchmarks, key=lambda report: report.noisy)
    benchmark = measured[0] if measured else None
    made = prepared.result if prepared else None
    return Story(
        detail=detail,
        build=build_views.show(context, build.id),
        preparation=Preparation(prepared.id, prepared.state, made.steps if made else (), made.reference if made else "")
        if prepared
        else None,
        benchmark=benchmark,
        samples=_samples(context, benchmark),
        model_files=model.files if model else (),
        siblings=tuple(engines.view(row) for row in alike if row.id != engine_id)[:_SIBLINGS],
    )


def _samples(context: Context, report: BenchmarkReport | None) -> Histogram | None:
    if report is None or report.samples is None:
        return None
    try:
        with context.blobs.open(report.samples) as file:
            samples = unpack(file.read())
            return histogram(samples, max(8, min(_MOST_BINS, round(2 * math.sqrt(len(samples))))))
    except FarmError:
        return None  # the percentiles of the report stand without them
