"""Every public method of `FarmClient` against a whole farm: what it returns, and what it raises, is what it says."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import onnx
import pytest

from farm import FarmClient
from farm.client import make_ask
from farm.client.logs import LogSource
from farm.device.probe import probe
from farm.protocol.errors import Conflict, FarmError, Invalid, NoEngine, NotFound, TargetUnavailable
from farm.protocol.states import Scope, State
from farm.protocol.submit import FetchAsk
from tests.support import models

from .client_calls import CALLS, QUICK, Site
from .live import Live

PARTS = ("engines", "models", "devices", "targets", "tokens", "plugins", "timing_caches", "campaigns")


def public() -> dict[str, Any]:
    """Every public method and property of a client, by its name, as `engines.list`."""
    with FarmClient("http://127.0.0.1:9", "never used") as client:
        assert tuple(name for name in vars(client) if not name.startswith("_")) == PARTS
        owners = {"": FarmClient, **{f"{part}.": type(getattr(client, part)) for part in PARTS}}
    return {
        prefix + name: member
        for prefix, owner in owners.items()
        for name, member in inspect.getmembers(owner)
        if not name.startswith("_")
    }


PUBLIC = public()


def owner_of(name: str) -> type:
    with FarmClient("http://127.0.0.1:9", "never used") as client:
        return type(getattr(client, name.split(".")[0])) if "." in name else FarmClient


def promised(name: str) -> Any:
    """The type that a method says it returns."""
    member = PUBLIC[name]
    return get_type_hints(member.fget if isinstance(member, property) else member)["return"]


def conforms(value: Any, kind: Any) -> bool:
    """True for a value of this type; of an iterator its first item tells."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is None:
        return isinstance(value, kind)
    if origin is Union:
        return any(conforms(value, item) for item in arguments)
    if issubclass(origin, Iterator):
        return conforms(next(value), arguments[0])
    assert (origin, arguments[1]) == (tuple, ...), f"nobody told how to check {kind}"
    return isinstance(value, tuple) and all(conforms(item, arguments[0]) for item in value)


@pytest.fixture(scope="module")
def built(farm: Live, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A farm on which the model `net` was built once."""
    path = tmp_path_factory.mktemp("models") / "net.onnx"
    onnx.save(models.conv_net(), str(path))
    with FarmClient(farm.url, farm.token) as client:
        view = client.submit(path, ["cpu"], QUICK, wait=True, timeout_s=120.0)
        assert view.state is State.DONE
        (device,) = client.devices.list()
        yield Site(client, path, view.id, device.name, path.parent)


@pytest.fixture
def site(built: Site, tmp_path: Path) -> Site:
    return Site(built.client, built.model, built.submission, built.device, tmp_path)


def test_every_method_has_a_call() -> None:
    assert set(CALLS) == set(PUBLIC)


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_a_method_returns_what_it_promises(site: Site, name: str) -> None:
    assert conforms(CALLS[name](site), promised(name))


REFUSALS: dict[str, tuple[type[FarmError], Callable[[Site], Any]]] = {
    "submit": (TargetUnavailable, lambda s: s.client.submit(s.model, ["nowhere"])),
    "plan": (TargetUnavailable, lambda s: s.client.plan(s.model, ["nowhere"])),
    "send": (TargetUnavailable, lambda s: s.client.send(make_ask(s.model, ["nowhere"]))),
    "send_plan": (TargetUnavailable, lambda s: s.client.send_plan(make_ask(s.model, ["nowhere"]))),
    "status": (NotFound, lambda s: s.client.status("sub-none")),
    "ask": (NotFound, lambda s: s.client.ask("sub-none")),
    "list": (Invalid, lambda s: s.client.list(since="lately")),
    "build": (NotFound, lambda s: s.client.build("bld-none")),
    "preparation": (NotFound, lambda s: s.client.preparation("prp-none")),
    "wait": (NotFound, lambda s: s.client.wait("sub-none")),
    "results": (NotFound, lambda s: s.client.results("sub-none")),
    "cancel": (NotFound, lambda s: s.client.cancel(s.submission, "nowhere")),
    "retry": (Conflict, lambda s: s.client.retry(s.submission)),
    "logs": (Invalid, lambda s: list(s.client.logs(s.submission, "nowhere"))),
    "log_sources": (NotFound, lambda s: s.client.log_sources("sub-none")),
    "log": (NotFound, lambda s: list(s.client.log(LogSource("cpu", "bld-none")))),
    "preparation_log": (NotFound, lambda s: list(s.client.preparation_log("prp-none"))),
    "fetch": (NoEngine, lambda s: s.client.fetch("nothing", s.folder / "x", facts=probe())),
    "find_engine": (NoEngine, lambda s: s.client.find_engine(FetchAsk("nothing", probe()))),
    "take": (Conflict, lambda s: s.client.take(s.client.find_engine(FetchAsk("net", probe())), s.model.parent)),
    "upload": (Invalid, lambda s: s.client.upload(s.folder / "nothing")),
    "download_blob": (NotFound, lambda s: s.client.download_blob("0" * 64, s.folder / "x")),
    "key": (NotFound, lambda s: s.client.key("eng-none")),
    "engines.list": (Invalid, lambda s: s.client.engines.list(gpu="sm>>8")),
    "engines.show": (NotFound, lambda s: s.client.engines.show("eng-none")),
    "engines.remove": (NotFound, lambda s: s.client.engines.remove("eng-none")),
    "engines.pin": (NotFound, lambda s: s.client.engines.pin("eng-none")),
    "engines.unpin": (NotFound, lambda s: s.client.engines.unpin("eng-none")),
    "models.show": (NotFound, lambda s: s.client.models.show("nothing")),
    "devices.show": (NotFound, lambda s: s.client.devices.show("nobody")),
    "devices.add": (Conflict, lambda s: s.client.devices.add(s.device, probe())),
    "devices.drain": (NotFound, lambda s: s.client.devices.drain("nobody")),
    "devices.undrain": (NotFound, lambda s: s.client.devices.undrain("nobody")),
    "devices.retire": (NotFound, lambda s: s.client.devices.retire("nobody")),
    "targets.add": (Invalid, lambda s: s.client.targets.add("x", "sm>>8")),
    "targets.remove": (NotFound, lambda s: s.client.targets.remove("nothing")),
    "tokens.create": (Invalid, lambda s: s.client.tokens.create("no name", Scope.FETCH)),
    "plugins.show": (NotFound, lambda s: s.client.plugins.show("nothing")),
    "plugins.add": (Invalid, lambda s: s.client.plugins.add(s.folder)),
    "plugins.remove": (NotFound, lambda s: s.client.plugins.remove("nothing")),
    "plugins.build": (NotFound, lambda s: s.client.plugins.build("nothing", ["cpu"])),
    "timing_caches.show": (NotFound, lambda s: s.client.timing_caches.show("tch-none")),
    "timing_caches.certify": (NotFound, lambda s: s.client.timing_caches.certify("tch-none")),
    "timing_caches.uncertify": (NotFound, lambda s: s.client.timing_caches.uncertify("tch-none")),
    "timing_caches.drop": (NotFound, lambda s: s.client.timing_caches.drop("tch-none")),
    "campaigns.start": (TargetUnavailable, lambda s: s.client.campaigns.start("tensorrt", "99", ["cpu"])),
    "campaigns.show": (NotFound, lambda s: s.client.campaigns.show("cmp-none")),
    "campaigns.promote": (NotFound, lambda s: s.client.campaigns.promote("cmp-none")),
    "campaigns.hold": (NotFound, lambda s: s.client.campaigns.hold("cmp-none")),
    "campaigns.retry": (NotFound, lambda s: s.client.campaigns.retry("cmp-none")),
    "campaigns.roll_back": (NotFound, lambda s: s.client.campaigns.roll_back("cmp-none")),
    "campaigns.close": (NotFound, lambda s: s.client.campaigns.close("cmp-none")),
    "campaigns.wait": (NotFound, lambda s: s.client.campaigns.wait("cmp-none")),
    "tokens.revoke": (NotFound, lambda s: s.client.tokens.revoke("tok-none")),
}
# Nothing that one gives them can be wrong.
WITHOUT_REFUSAL = {"close", "events", "gc", "url", "whoami", *(f"{part}.list" for part in PARTS[1:])}


def test_every_method_is_refused_or_cannot_be() -> None:
    assert set(REFUSALS) | WITHOUT_REFUSAL == set(PUBLIC)


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_of_the_kind_that_the_documentation_names(site: Site, name: str) -> None:
    kind, call = REFUSALS[name]
    with pytest.raises(FarmError) as refused:
        call(site)
    assert type(refused.value) is kind
    assert refused.value.hint
    documented = f"{inspect.getdoc(PUBLIC[name])} {inspect.getdoc(owner_of(name))}"
    assert kind.__name__ in documented


def test_what_may_always_be_raised_is_said_once() -> None:
    with FarmClient("http://127.0.0.1:9", "nobody's") as nobody, pytest.raises(FarmError) as refused:
        nobody.whoami()
    assert refused.value.exit_code == 9
    for kind in ("Unauthorized", "Forbidden", "CoordinatorError"):
        assert kind in (inspect.getdoc(FarmClient) or "")
