"""Plugins and their compiled libraries."""

from __future__ import annotations

from farm.protocol.plugin_views import PluginAsk, PluginDetail, PluginView
from farm.protocol.plugins import Compiled, PluginLibraryAnswer, PluginLibraryAsk, PluginLibraryMade
from orchestrator.services import plugin_libraries, plugins

from ..query import NoQuery
from ..routing import READERS, SUBMITTERS, WORKERS, Call, Endpoints, ListOf

endpoints = Endpoints("plugins")


@endpoints.route("GET", "/plugins", READERS, answer=ListOf("plugins", PluginView))
def list_plugins(call: Call[None, NoQuery]) -> tuple[PluginView, ...]:
    """Every plugin, those that came with farm and those that users added."""
    return plugins.every(call.context)


@endpoints.route("GET", "/plugins/{name}", READERS, answer=PluginDetail)
def show_plugin(call: Call[None, NoQuery]) -> PluginDetail:
    """One plugin with its sources and libraries."""
    return plugins.show(call.context, call.path["name"])


@endpoints.route("POST", "/plugins", SUBMITTERS, body=PluginAsk, answer=PluginDetail)
def add_plugin(call: Call[PluginAsk, NoQuery]) -> PluginDetail:
    """Add a plugin, or new sources of one; its files are stored."""
    return plugins.add(call.context, call.caller, call.body)


@endpoints.route("DELETE", "/plugins/{name}", SUBMITTERS, answer=PluginView)
def remove_plugin(call: Call[None, NoQuery]) -> PluginView:
    """Remove a plugin: models find it no more."""
    return plugins.remove(call.context, call.path["name"])


@endpoints.route(
    "POST", "/leases/{attempt}/plugin-libraries/find", WORKERS, body=PluginLibraryAsk, answer=PluginLibraryAnswer
)
def find_plugin_library(call: Call[PluginLibraryAsk, NoQuery]) -> PluginLibraryAnswer:
    """Ask for a compiled library that a build needs."""
    return plugin_libraries.find(call.context, call.caller, call.path["attempt"], call.body)


@endpoints.route(
    "POST", "/leases/{attempt}/plugin-libraries", WORKERS, body=PluginLibraryMade, answer=PluginLibraryAnswer
)
def publish_plugin_library(call: Call[PluginLibraryMade, NoQuery]) -> PluginLibraryAnswer:
    """Share a compiled library, whose blob is stored."""
    return plugin_libraries.publish(call.context, call.caller, call.path["attempt"], call.body)


@endpoints.route("POST", "/leases/{attempt}/compiled", WORKERS, body=Compiled)
def complete_compiling(call: Call[Compiled, NoQuery]) -> None:
    """Complete a build that only compiles plugins."""
    plugin_libraries.compiled(call.context, call.caller, call.path["attempt"], call.body)
