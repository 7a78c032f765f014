"""Plugins over HTTP: who may do what, and what the command makes of it."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest

from farm import FarmClient
from farm.client import SubmitOptions, make_ask
from farm.plugins.folder import read_folder
from farm.plugins.new import make_folder
from farm.protocol.codec import to_json
from farm.protocol.errors import Invalid
from farm.protocol.plugins import Compiled, PluginLibraryAsk, PluginLibraryMade, plugin_key
from farm.protocol.states import Role, Scope
from farm.protocol.work import Claim
from tests.farm_live.live import Live
from tests.support import models
from tests.support.coordinator import gpu_facts

from .doors import API, Doors
from .test_fuzz import held_to, spoiled
from .test_metrics import Scrape
from .worker import Worker, stored

ELF = hashlib.sha256(b"ELF").hexdigest()


@pytest.fixture
def card(doors: Doors) -> Iterator[Worker]:
    """A device with a card; nobody compiles anything there."""
    with doors.client(Scope.WORKER, name="card") as client:
        yield Worker(client, doors, "card", gpu_facts(), (Role.DEVICE,))


@pytest.fixture
def farm(doors: Doors, tmp_path: Path) -> Live:
    return Live(doors.url, doors.secret(Scope.SUBMIT), tmp_path)


def claimed(farm: Live, card: Worker, folder: Path) -> Claim:
    """The build that only compiles the plugin in a folder."""
    assert farm("plugin", "build", folder, "--targets", "card").code == 0
    return card.claim("compiles")


def library(claim: Claim, sha256: str, size_bytes: int) -> PluginLibraryMade:
    assert claim.build
    (plugin,) = claim.build.plugins
    toolchain = {"nvcc": "11.8.89", "cxx": "gcc-12.2.0"}
    key = plugin_key(plugin.name, plugin.source, claim.build.key.target, ("9.0",), toolchain)
    return PluginLibraryMade(claim.lease.token, key, sha256, size_bytes, 2.5, {"nvcc": "V11.8.89"})


def test_the_command_adds_lists_shows_compiles_and_removes(farm: Live, card: Worker, tmp_path: Path) -> None:
    folder = tmp_path / "my_op"
    made = farm.json("plugin", "new", "my_op", "--output", tmp_path)
    assert made == {"folder": str(folder), "files": sorted(path.name for path in folder.iterdir())}
    assert "my_op " in farm("plugin", "add", folder).err
    added = farm.json("plugin", "add", folder)
    assert [view["name"] for view in farm.json("plugin", "list")["plugins"]] == ["my_op"]
    assert farm("plugin").lines[1].split()[:2] == ["my_op", "MyOp"]
    claim = claimed(farm, card, folder)
    assert card.put(claim, b"ELF").status_code in (200, 201)
    told = library(claim, "0" * 64, 3)
    assert card.tell(claim, "plugin-libraries", told).status_code == 409
    told = replace(told, sha256=ELF)
    assert card.tell(claim, "plugin-libraries", told).json()["library"]["device"] == "card"
    assert card.tell(claim, "compiled", Compiled(claim.lease.token)).status_code == 204
    (listed,) = farm.json("list")["submissions"]
    assert (listed["name"], listed["state"]) == ("my_op", "done")
    shown = farm("plugin", "show", "my_op").out
    for word in ("scale", "float32, float16", "NVIDIA H200", "card", "nvcc V11.8.89", added["plugin"]["source"]):
        assert word in shown
    assert farm.json("plugin", "show", "my_op")["libraries"][0]["compile_s"] == 2.5
    assert farm.json("plugin", "rm", "my_op")["plugins"][0]["libraries"] == 1
    lost = farm("plugin", "show", "my_op")
    assert (lost.code, "farm plugin list shows them" in lost.err) == (2, True)


def test_libraries_are_counted_when_they_are_compiled_and_when_they_are_reused(
    doors: Doors, farm: Live, card: Worker, tmp_path: Path
) -> None:
    with doors.client() as admin:
        before = Scrape(admin)
        claim = claimed(farm, card, make_folder("my_op", parent=tmp_path))
        card.put(claim, b"ELF")
        made = library(claim, ELF, 3)
        ask = PluginLibraryAsk(claim.lease.token, made.key)
        assert card.tell(claim, "plugin-libraries/find", ask).json().get("library") is None
        assert card.tell(claim, "plugin-libraries", made).status_code == 200
        compiled = Scrape(admin)
        assert card.tell(claim, "plugin-libraries/find", ask).json()["library"]["sha256"] == ELF
        # The stock is counted every five minutes.
        doors.clock.pass_s(301.0)
        reused = Scrape(admin)
    given = "farm_plugin_libraries_given_total"
    assert before.series(given) == {"compiled": 0.0, "reused": 0.0}
    assert compiled.series(given) == {"compiled": 1.0, "reused": 0.0}
    assert reused.series(given) == {"compiled": 1.0, "reused": 1.0}
    stock = ("farm_plugin_libraries", "farm_plugin_library_bytes")
    assert [before(name) for name in stock] == [0.0, 0.0]
    assert [reused(name) for name in stock] == [1.0, 3.0]


def test_a_plugin_that_fails_to_compile_is_a_failed_build(farm: Live, card: Worker, tmp_path: Path) -> None:
    folder = make_folder("my_op", parent=tmp_path)
    claim = claimed(farm, card, folder)
    failure = {"kind": "failed", "stage": "compiling", "message": "the plugin my_op does not compile: kernel.cu:7: x"}
    assert card.tell(claim, "fail", {"token": claim.lease.token, "failure": failure}).status_code == 204
    done = farm("plugin", "build", "my_op", "--targets", "card", "--wait")
    assert done.code == 1
    assert "does not compile" in done.out + done.err


def test_a_submit_names_plugins_and_folders_and_a_clone_keeps_them(
    farm: Live, doors: Doors, card: Worker, tmp_path: Path
) -> None:
    with doors.client(Scope.WORKER, name="host") as client:
        Worker(client, doors, "host", roles=(Role.HOST,))
        model, folder = tmp_path / "net.onnx", make_folder("my_op", parent=tmp_path)
        onnx.save(models.conv_net(), str(model))
        refused = farm("plan", model, "--targets", "card", "--plugins", folder)
        assert (refused.code, "farm plugin add" in refused.err) == (2, True)
        assert farm.json("plugin", "list") == {"plugins": []}, "a plan adds nothing"
        made = farm.json("submit", model, "--targets", "card", "--plugins", folder)
        source = farm.json("plugin", "show", "my_op")["plugin"]["source"]
        key = farm.json("key", made["builds"][0]["build"])["key"]
        assert key["plugins"] == {"my_op": source}
        (row,) = farm.json("plan", model, "--targets", "card", "--plugins", f"{folder}")["rows"]
        assert (row["request_key"]["plugins"], row["plugin_operators"]) == ({"my_op": source}, None)
        told = farm("plan", model, "--targets", "card", "--plugins", "my_op")
        assert f"IPluginV2DynamicExt: my_op {source[:12]}" in " ".join(told.out.split())
        assert "which plugins it takes is known once it was prepared" in told.err
        bare = farm.json("submit", model, "--targets", "card")
        different = farm("key", made["builds"][0]["build"], bare["builds"][0]["build"])
        assert "plugins.my_op" in different.out
        again = farm.json("submit", "--clone", made["id"])
        assert again["builds"][0]["key"] == made["builds"][0]["key"]
        unknown = farm("submit", model, "--targets", "card", "--plugins", "nobody")
        assert (unknown.code, "farm plugin add" in unknown.err) == (2, True)


def test_a_folder_that_is_no_plugin_is_refused_before_anything_is_sent(doors: Doors, tmp_path: Path) -> None:
    model = tmp_path / "net.onnx"
    onnx.save(models.conv_net(), str(model))
    with FarmClient(doors.url, doors.secret()) as client, pytest.raises(Invalid, match=r"has no plugin\.toml"):
        client.send(make_ask(model, ["card"], SubmitOptions(plugins=(tmp_path,))))


def test_readers_see_plugins_and_only_submitters_change_them(doors: Doors, farm: Live, tmp_path: Path) -> None:
    folder = make_folder("my_op", parent=tmp_path)
    added = farm.json("plugin", "add", folder)
    ask = {"files": added["source"]["files"]}
    where = f"{API}/plugins/my_op"
    with ExitStack() as stack:
        for scope in (Scope.FETCH, Scope.WORKER):
            client = stack.enter_context(doors.client(scope))
            seen = 200 if scope is Scope.FETCH else 403
            assert [client.get(path).status_code for path in (where, f"{API}/plugins")] == [seen, seen]
            assert client.post(f"{API}/plugins", json=ask).status_code == 403
            assert client.delete(where).status_code == 403
        for scope in (Scope.SUBMIT, Scope.ADMIN):
            client = stack.enter_context(doors.client(scope))
            assert client.post(f"{API}/plugins", json=ask).json()["source"] == added["source"]
            assert client.delete(where).status_code == 200
            assert client.delete(where).status_code == 404


def test_only_the_device_of_a_lease_asks_for_and_shares_libraries(
    doors: Doors, farm: Live, card: Worker, tmp_path: Path
) -> None:
    claim = claimed(farm, card, make_folder("my_op", parent=tmp_path))
    assert card.put(claim, b"ELF").status_code in (200, 201)
    made = library(claim, ELF, 3)
    bodies: dict[str, Any] = {
        "plugin-libraries/find": PluginLibraryAsk(claim.lease.token, made.key),
        "plugin-libraries": made,
        "compiled": Compiled(claim.lease.token),
    }
    with ExitStack() as stack:
        for scope in (Scope.SUBMIT, Scope.FETCH):
            client = stack.enter_context(doors.client(scope))
            for what, body in bodies.items():
                answer = client.post(f"{API}/leases/{claim.lease.attempt}/{what}", json=to_json(body))
                assert answer.status_code == 403, what
        client = stack.enter_context(doors.client(Scope.WORKER, name="b"))
        stranger = Worker(client, doors, "b", gpu_facts(), (Role.DEVICE,))
        for what, body in bodies.items():
            answer = stranger.tell(claim, what, body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (409, "lease_lost"), what
    assert card.tell(claim, "plugin-libraries/find", bodies["plugin-libraries/find"]).json() == {"library": None}


def test_a_token_is_made_for_a_trust_group(doors: Doors, tmp_path: Path) -> None:
    admin = Live(doors.url, doors.secret(), tmp_path)
    made = admin.json("token", "create", "lab-1", "--scope", "worker", "--trust-group", "lab")
    assert made["token"]["trust_group"] == "lab"
    refused = admin("token", "create", "reader", "--scope", "fetch", "--trust-group", "lab")
    assert (refused.code, "no trust group" in refused.err) == (2, True)


def toml(value: Any) -> str:
    """A value as TOML writes it within a line."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{json.dumps(name)} = {toml(item)}' for name, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return "nothing" if value is None else json.dumps(value)


def test_nothing_in_a_manifest_is_a_mistake_of_the_coordinator(doors: Doors, tmp_path: Path) -> None:
    plugin = read_folder(make_folder("my_op", parent=tmp_path))
    whole = to_json(plugin.manifest)
    others = [to_json(item) for item in plugin.files if item.name != "plugin.toml"]
    chance = random.Random(20261121)
    taken = 0
    with doors.client(Scope.SUBMIT) as user:
        for item in plugin.files:
            stored(user, plugin.paths[item.sha256].read_bytes())
        for _ in range(150):
            text = "".join(f"{json.dumps(name)} = {toml(item)}\n" for name, item in tomlable(spoiled(whole, chance)))
            data = text.encode(errors="replace")
            file = {"name": "plugin.toml", "size_bytes": len(data), "sha256": stored(user, data)}
            answer = user.post(f"{API}/plugins", json={"files": [*others, file]})
            held_to(answer, text[:2000])
            taken += answer.status_code == 200
        assert user.get(f"{API}/plugins").status_code == 200
    assert 0 < taken < 150, "some of them are harmless"


def tomlable(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else [("name", value)]


def test_nothing_that_a_device_says_of_a_library_is_a_mistake_of_the_coordinator(
    farm: Live, card: Worker, tmp_path: Path
) -> None:
    claim = claimed(farm, card, make_folder("my_op", parent=tmp_path))
    assert card.put(claim, b"ELF").status_code in (200, 201)
    made = library(claim, ELF, 3)
    bodies = {
        "plugin-libraries": to_json(made),
        "plugin-libraries/find": to_json(PluginLibraryAsk(claim.lease.token, made.key)),
    }
    chance = random.Random(20261121)
    for what, whole in bodies.items():
        for _ in range(150):
            text = json.dumps(spoiled(whole, chance))
            answer = card.client.post(f"{API}/leases/{claim.lease.attempt}/{what}", content=text)
            held_to(answer, f"{what} {text[:2000]}")
    libraries = farm.json("plugin", "show", "my_op")["libraries"]
    assert {(item["source"], item["sha256"]) for item in libraries} <= {(made.key.source, ELF)}
