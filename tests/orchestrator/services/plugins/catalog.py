"""A user with plugins of their own."""

from __future__ import annotations

from pathlib import Path

from farm.plugins.folder import read_folder
from farm.protocol.plugin_views import PluginAsk, PluginDetail
from farm.protocol.states import Scope
from farm.protocol.work import Claim
from orchestrator.services import plugins
from orchestrator.services.caller import Caller
from tests.support.coordinator import Coordinator, Talker

USER = Caller("tok-user", "user", Scope.SUBMIT)
CARD = ("backend=tensorrt",)


def add(farm: Coordinator, folder: Path) -> PluginDetail:
    plugin = read_folder(folder)
    for path in plugin.paths.values():
        farm.context.blobs.put_bytes(path.read_bytes())
    return plugins.add(farm.context, USER, PluginAsk(plugin.files))


def source_of(farm: Coordinator, name: str) -> str:
    return plugins.show(farm.context, name).plugin.source


def claim(box: Talker) -> Claim:
    found = box.claim()
    assert found
    assert found.build
    return found
