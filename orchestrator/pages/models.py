"""The matrix of models and targets, and what a hole in it becomes when somebody fills it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import Response

from farm.protocol.errors import Invalid
from farm.protocol.options import Precision
from orchestrator.api.scopes import READERS, SUBMITTERS
from orchestrator.services import engines, matrix, models
from orchestrator.services.matrix import Wanted
from orchestrator.services.signals import EVENTS

from .live import Live
from .paging import Span
from .routing import Pages, Visit

pages = Pages()

_ENGINES = 200


@dataclass(frozen=True)
class MatrixQuery:
    """Which part of the matrix, as the address says it."""

    model: str = ""
    target: str = ""
    precision: Precision | None = None
    page: int = 1

    def address(self, **changed: Any) -> str:
        """This query with some of it changed, as the query string of an address."""
        told = {**asdict(self), "page": 1, **changed}
        return urlencode({name: str(value) for name, value in told.items() if value and (name, value) != ("page", 1)})


@pages.get("/models", READERS, query=MatrixQuery)
def show_matrix(visit: Visit[MatrixQuery]) -> Response:
    """Every model by every target."""
    return visit.page("models.html", **_listed(visit))


@pages.get("/matrix/live", READERS, query=MatrixQuery)
def follow_matrix(visit: Visit[MatrixQuery]) -> Response:
    """The matrix as it changes."""
    return Live(visit, lambda seen: seen.fragment("models_board.html", **_listed(seen)), (EVENTS,)).response()


@pages.get("/models/{name}", READERS)
def show_model(visit: Visit[None]) -> Response:
    """The engines of a model."""
    model = models.show(visit.context, visit.path["name"])
    found = engines.every(visit.context, model=model.name, limit=_ENGINES)
    return visit.page("model.html", model=model, engines=found, now=visit.context.clock(), most=_ENGINES)


@pages.post("/models/build", SUBMITTERS)
def build_model(visit: Visit[None]) -> Response:
    """Build a model for one more target."""
    again = visit.form.get("again", "")
    # One form serves all cells: its button says which, a name, which has no blank, and a label.
    name, _, target = (again or visit.form.get("place", "")).partition(" ")
    if not target:
        raise Invalid("the form names no target", "Load the page again.")
    made = matrix.submit(visit.context, name, target, visit.caller, force=bool(again))
    (request,) = made.builds
    return visit.done(f"{name} for {request.label}: {request.state}.", f"/models?model={quote(name)}")


def _listed(visit: Visit[MatrixQuery]) -> dict[str, Any]:
    query = visit.query
    span = Span(query.page, matrix.ROWS)
    shown = matrix.show(visit.context, Wanted(query.model, query.target, query.precision, query.page))
    return {
        "matrix": shown,
        "query": query,
        "span": Span(shown.wanted.page, span.size, shown.names),
        "precisions": [str(word) for word in Precision],
        "may_submit": visit.caller.may(*SUBMITTERS),
    }
