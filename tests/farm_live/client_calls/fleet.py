"""Who builds, for what, who may ask, and who asks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from farm import FarmClient
from farm.protocol.codec import loads
from farm.protocol.facts import DeviceFacts
from farm.protocol.states import Scope

from .site import Site, calls

FACTS = Path(__file__).parents[2] / "data" / "facts" / "xavier.json"


@calls("whoami")
def whoami(site: Site) -> Any:
    view = site.client.whoami()
    assert view.scope is Scope.ADMIN
    return view


@calls("url")
def url(site: Site) -> Any:
    assert site.client.url.startswith("http://")
    return site.client.url


@calls("close")
def close(site: Site) -> Any:
    before = site.client.whoami()
    told = site.client.close()  # type: ignore[func-returns-value]  # the test wants to see that nothing comes back
    assert site.client.whoami() == before
    return told


@calls("devices.list")
def devices_list(site: Site) -> Any:
    found = site.client.devices.list()
    assert site.device in [view.name for view in found]
    return found


@calls("devices.show")
def devices_show(site: Site) -> Any:
    view = site.client.devices.show(site.device)
    assert "cpu" in view.words
    return view


@calls("devices.add")
def devices_add(site: Site) -> Any:
    view = site.client.devices.add("recorded-1", loads(DeviceFacts, FACTS.read_text()))
    assert (view.name, str(view.state)) == ("recorded-1", "recorded")
    return view


@calls("devices.drain")
def devices_drain(site: Site) -> Any:
    view = site.client.devices.drain(site.device)
    assert str(view.state) == "draining"
    site.client.devices.undrain(site.device)
    return view


@calls("devices.undrain")
def devices_undrain(site: Site) -> Any:
    view = site.client.devices.undrain(site.device)
    assert str(view.state) in ("idle", "busy")
    return view


@calls("devices.retire")
def devices_retire(site: Site) -> Any:
    site.client.devices.add("recorded-2", loads(DeviceFacts, FACTS.read_text()))
    view = site.client.devices.retire("recorded-2")
    assert str(view.state) == "retired"
    return view


@calls("targets.list")
def targets_list(site: Site) -> Any:
    found = site.client.targets.list()
    assert "xavier" in [view.name for view in found]
    return found


@calls("targets.add")
def targets_add(site: Site) -> Any:
    view = site.client.targets.add("big", "sm>=80", ["large"], "big cards")
    assert (view.name, view.aliases, view.builtin) == ("big", ("large",), False)
    return view


@calls("targets.remove")
def targets_remove(site: Site) -> Any:
    site.client.targets.add("small", "sm<80")
    told = site.client.targets.remove("small")  # type: ignore[func-returns-value]  # as above
    assert "small" not in [view.name for view in site.client.targets.list()]
    return told


@calls("tokens.create")
def tokens_create(site: Site) -> Any:
    made = site.client.tokens.create("reader", Scope.FETCH, expires_s=60.0)
    with FarmClient(site.client.url, made.secret) as reader:
        assert reader.whoami().id == made.token.id
    return made


@calls("tokens.list")
def tokens_list(site: Site) -> Any:
    made = site.client.tokens.create("listed", Scope.FETCH)
    found = site.client.tokens.list()
    assert made.token.id in [view.id for view in found]
    return found


@calls("tokens.revoke")
def tokens_revoke(site: Site) -> Any:
    made = site.client.tokens.create("revoked", Scope.FETCH)
    told = site.client.tokens.revoke(made.token.id)  # type: ignore[func-returns-value]  # as above
    assert [view.revoked_at is None for view in site.client.tokens.list() if view.id == made.token.id] == [False]
    return told
