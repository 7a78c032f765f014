"""What is stored, who builds, and who may ask."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from farm.protocol import codec
from farm.protocol.errors import (
    Conflict,
    Forbidden,
)
from farm.protocol.states import Scope
from farm.protocol.submit import FetchAsk
from farm.protocol.views import Sweep, TokenView

from ..samples import cpu_facts, device_view, model_view, target_view
from .serving import Exchange, found, route
from .state import NOW


@route("GET", "/engines")
def _engines(at: Exchange) -> Any:
    wanted = at.query.get("model")
    return {"engines": [item.engine for item in at.double.engines.values() if wanted in (None, item.engine.model_name)]}


@route("GET", "/engines/([^/]+)")
def _engine(at: Exchange) -> Any:
    return found(at.double.engines, at.args[0])


@route("DELETE", "/engines/([^/]+)")
def _remove_engine(at: Exchange) -> Any:
    detail = found(at.double.engines, at.args[0])
    if detail.engine.pinned:
        raise Conflict(f"{detail.engine.id} is pinned", f"Run farm engines unpin {detail.engine.id}.")
    return at.double.engines.pop(at.args[0]).engine


@route("POST", "/engines/([^/]+)/(pin|unpin)")
def _pin(at: Exchange) -> Any:
    detail = found(at.double.engines, at.args[0])
    view = replace(detail.engine, pinned=at.args[1] == "pin")
    at.double.engines[at.args[0]] = replace(detail, engine=view)
    return view


@route("GET", "/models")
def _models(at: Exchange) -> Any:
    return {"models": [model_view("net")]}


@route("GET", "/models/([^/]+)")
def _model(at: Exchange) -> Any:
    return found({"net": model_view("net")}, at.args[0])


@route("GET", "/keys/([^/]+)")
def _key(at: Exchange) -> Any:
    detail = found(at.double.engines, at.args[0])
    return {
        "digest": detail.manifest.key.digest,
        "key": detail.manifest.key,
        "source": f"engine {at.args[0]}",
        "requirement": detail.manifest.requirement,
    }


@route("GET", "/devices")
def _devices(at: Exchange) -> Any:
    return {"devices": tuple(at.double.devices.values())}


@route("POST", "/devices")
def _add_device(at: Exchange) -> Any:
    told = at.json()
    view = replace(device_view(told["name"]), facts=codec.from_json(type(cpu_facts()), told["facts"]))
    at.double.devices[view.name] = view
    return view


@route("GET", "/devices/([^/]+)")
def _device(at: Exchange) -> Any:
    return found(at.double.devices, at.args[0])


@route("POST", "/devices/([^/]+)/(drain|undrain|retire)")
def _drain(at: Exchange) -> Any:
    return found(at.double.devices, at.args[0])


@route("GET", "/targets")
def _targets(at: Exchange) -> Any:
    return {"targets": tuple(at.double.targets.values())}


@route("PUT", "/targets/([^/]+)")
def _add_target(at: Exchange) -> Any:
    told = at.json()
    view = replace(target_view(at.args[0]), filter=told["filter"], aliases=tuple(told["aliases"]), builtin=False)
    at.double.targets[at.args[0]] = view
    return view


@route("DELETE", "/targets/([^/]+)")
def _remove_target(at: Exchange) -> Any:
    if found(at.double.targets, at.args[0]).builtin:
        raise Conflict("it is built in")
    del at.double.targets[at.args[0]]
    return {}


@route("POST", "/tokens")
def _create_token(at: Exchange) -> Any:
    told = at.json()
    if told["scope"] == "admin":
        raise Forbidden("this token may not make admins")
    view = TokenView("tok-2", told["name"], Scope(told["scope"]), NOW, device=told["device"])
    at.double.tokens[view.id] = view
    return {"token": view, "secret": "farm_new-secret"}


@route("GET", "/tokens")
def _tokens(at: Exchange) -> Any:
    return {"tokens": tuple(at.double.tokens.values())}


@route("DELETE", "/tokens/([^/]+)")
def _revoke(at: Exchange) -> Any:
    found(at.double.tokens, at.args[0])
    return {}


@route("POST", "/gc")
def _gc(at: Exchange) -> Any:
    return Sweep(bool(at.json()["dry_run"]), 3, 4096, ("eng-0",), 1)


@route("POST", "/fetch")
def _fetch(at: Exchange) -> Any:
    return at.double.fetch(at.value(FetchAsk))
