"""What is stored: engines, the names of models, and the keys that name engines."""

from __future__ import annotations

from farm.protocol.submit import FetchAnswer, FetchAsk
from farm.protocol.views import EngineDetail, EngineView, KeyView, ModelView
from orchestrator.services import engines, fetching, keys, models

from ..asks import EngineQuery, EnginesQuery
from ..query import NoQuery
from ..routing import ADMINS, READERS, SUBMITTERS, Call, Endpoints, ListOf

endpoints = Endpoints("catalog")


@endpoints.route("GET", "/engines", READERS, query=EnginesQuery, answer=ListOf("engines", EngineView))
def list_engines(call: Call[None, EnginesQuery]) -> tuple[EngineView, ...]:
    """Stored engines, newest first."""
    asked = call.query
    return engines.every(call.context, asked.gpu, asked.model, asked.target, asked.precision, asked.limit)


@endpoints.route("GET", "/engines/{id}", READERS, query=EngineQuery, answer=EngineDetail)
def show_engine(call: Call[None, EngineQuery]) -> EngineDetail:
    """One engine with its manifest and evidence."""
    return engines.show(call.context, call.path["id"], call.query.request)


@endpoints.route("DELETE", "/engines/{id}", ADMINS, answer=EngineView)
def remove_engine(call: Call[None, NoQuery]) -> EngineView:
    """Remove an engine; it is handed out no more."""
    return engines.remove(call.context, call.path["id"])


@endpoints.route("POST", "/engines/{id}/pin", SUBMITTERS, answer=EngineView)
def pin_engine(call: Call[None, NoQuery]) -> EngineView:
    """Keep an engine from garbage collection."""
    return engines.pin(call.context, call.path["id"], True)


@endpoints.route("POST", "/engines/{id}/unpin", SUBMITTERS, answer=EngineView)
def unpin_engine(call: Call[None, NoQuery]) -> EngineView:
    """Let garbage collection have an engine."""
    return engines.pin(call.context, call.path["id"], False)


@endpoints.route("GET", "/models", READERS, answer=ListOf("models", ModelView))
def list_models(call: Call[None, NoQuery]) -> tuple[ModelView, ...]:
    """Every name, the one that moved last first."""
    return models.every(call.context)


@endpoints.route("GET", "/models/{name}", READERS, answer=ModelView)
def show_model(call: Call[None, NoQuery]) -> ModelView:
    """One name and the model it points at."""
    return models.show(call.context, call.path["name"])


@endpoints.route("GET", "/keys/{id}", READERS, answer=KeyView)
def show_key(call: Call[None, NoQuery]) -> KeyView:
    """The key of an engine, build, request or name, or of its own digest."""
    return keys.show(call.context, call.path["id"])


@endpoints.route("POST", "/fetch", READERS, body=FetchAsk, answer=FetchAnswer)
def fetch(call: Call[FetchAsk, NoQuery]) -> FetchAnswer:
    """Find the engine of a name that fits a device."""
    return fetching.fetch(call.context, call.body)
