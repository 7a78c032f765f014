"""Plugins: of a card that is not here, so that nothing is compiled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from farm.plugins.new import make_folder
from farm.protocol.states import Role, Scope, State
from farm.protocol.work import Enrolment
from tests.support.coordinator import gpu_facts
from worker.coordinator import Coordinator

from .site import Site, calls

CARD = "card-of-plugins"


def added(site: Site, name: str) -> Path:
    """The folder of a plugin that the farm has."""
    folder = make_folder(name, parent=site.folder)
    site.client.plugins.add(folder)
    return folder


@calls("plugins.list")
def plugins_list(site: Site) -> Any:
    added(site, "listed")
    found = site.client.plugins.list()
    assert "listed" in [view.name for view in found]
    return found


@calls("plugins.show")
def plugins_show(site: Site) -> Any:
    added(site, "shown")
    detail = site.client.plugins.show("shown")
    assert detail.manifest.operators == ("Shown",)
    assert "common/launch.cuh" in [item.name for item in detail.source.common]
    return detail


@calls("plugins.add")
def plugins_add(site: Site) -> Any:
    folder = added(site, "changed")
    before = site.client.plugins.show("changed").plugin.source
    (folder / "kernel.cu").write_text("// other bytes\n")
    detail = site.client.plugins.add(folder)
    assert detail.plugin.source != before
    return detail


@calls("plugins.remove")
def plugins_remove(site: Site) -> Any:
    added(site, "removed")
    view = site.client.plugins.remove("removed")
    assert "removed" not in [item.name for item in site.client.plugins.list()]
    return view


@calls("plugins.build")
def plugins_build(site: Site) -> Any:
    worker = Coordinator(site.client.url, site.client.tokens.create(CARD, Scope.WORKER).secret)
    worker.enrol(Enrolment(CARD, gpu_facts(), (Role.DEVICE,), ("gpu0",)))
    try:
        view = site.client.plugins.build(added(site, "compiled"), [CARD])
        assert [item.state for item in view.builds] == [State.QUEUED]
        site.client.cancel(view.id)
    finally:
        worker.close()
        site.client.devices.retire(CARD)
    return view
