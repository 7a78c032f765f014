"""Devices and target words."""

from __future__ import annotations

from farm.protocol.views import DeviceView, TargetView
from orchestrator.services import fleet, targets

from ..asks import DeviceAsk, TargetAsk
from ..query import NoQuery
from ..routing import ADMINS, READERS, Call, Endpoints, ListOf

endpoints = Endpoints("fleet")


@endpoints.route("GET", "/devices", READERS, answer=ListOf("devices", DeviceView))
def list_devices(call: Call[None, NoQuery]) -> tuple[DeviceView, ...]:
    """Every device that is not retired."""
    return fleet.every(call.context)


@endpoints.route("GET", "/devices/{name}", READERS, answer=DeviceView)
def show_device(call: Call[None, NoQuery]) -> DeviceView:
    """One device."""
    return fleet.show(call.context, call.path["name"])


@endpoints.route("POST", "/devices", ADMINS, body=DeviceAsk, answer=DeviceView)
def record_device(call: Call[DeviceAsk, NoQuery]) -> DeviceView:
    """Register the facts of a device that is not here."""
    return fleet.record(call.context, call.body.name, call.body.facts)


@endpoints.route("POST", "/devices/{name}/drain", ADMINS, answer=DeviceView)
def drain_device(call: Call[None, NoQuery]) -> DeviceView:
    """Let a device finish what runs and claim no more."""
    return fleet.drain(call.context, call.path["name"], True)


@endpoints.route("POST", "/devices/{name}/undrain", ADMINS, answer=DeviceView)
def undrain_device(call: Call[None, NoQuery]) -> DeviceView:
    """Let a device claim again."""
    return fleet.drain(call.context, call.path["name"], False)


@endpoints.route("POST", "/devices/{name}/retire", ADMINS, answer=DeviceView)
def retire_device(call: Call[None, NoQuery]) -> DeviceView:
    """Take a device out of the farm: its tokens end with it, its engines stay."""
    shown = fleet.retire(call.context, call.path["name"])
    call.tokens.revoke_tied(shown.name)
    return shown


@endpoints.route("GET", "/targets", READERS, answer=ListOf("targets", TargetView))
def list_targets(call: Call[None, NoQuery]) -> tuple[TargetView, ...]:
    """Every target word with the devices that serve it now."""
    return targets.every(call.context)


@endpoints.route("PUT", "/targets/{name}", ADMINS, body=TargetAsk, answer=TargetView)
def put_target(call: Call[TargetAsk, NoQuery]) -> TargetView:
    """Give a filter a name."""
    ask = call.body
    return targets.put(call.context, call.path["name"], ask.filter, ask.aliases, ask.description)


@endpoints.route("DELETE", "/targets/{name}", ADMINS)
def remove_target(call: Call[None, NoQuery]) -> None:
    """Forget an own word."""
    targets.remove(call.context, call.path["name"])
