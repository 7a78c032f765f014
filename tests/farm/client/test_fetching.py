"""The engine that fits, as a folder that is whole or not there."""

from __future__ import annotations

import fcntl
import os
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import List

import pytest

from farm import FarmClient
from farm.client import folders
from farm.client.fetching import considered_in
from farm.protocol.engine import EngineManifest
from farm.protocol.errors import BlobCorrupt, Conflict, NoEngine
from farm.protocol.model import FileRef
from farm.runtime.bundle import read_manifest, write_manifest

from ..double import Double
from ..samples import cpu_facts, engine_detail, manifest

FACTS = cpu_facts()


def _store(double: Double, **contents: bytes) -> EngineManifest:
    """The double's only engine is made of these files; `__` in a name stands for a slash."""
    files = [FileRef(name.replace("__", "/"), len(data), double.store(data)) for name, data in contents.items()]
    double.engines = {"eng-1": engine_detail(files=tuple(files))}
    return manifest(tuple(files))


def _bundle(folder: Path, told: EngineManifest, engine: bytes) -> Path:
    """A folder with the engine that a manifest describes."""
    folder.mkdir()
    (folder / "engine").write_bytes(engine)
    write_manifest(folder, replace(told, files=(FileRef("engine", len(engine), sha256(engine).hexdigest()),)))
    return folder


def _listing(folder: Path) -> List[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_an_engine_becomes_a_folder_with_its_manifest_and_plugins(
    client: FarmClient, double: Double, tmp_path: Path
) -> None:
    wanted = _store(double, engine=b"plan", plugins__a=b"library")
    fetched = client.fetch("net", tmp_path / "out" / "net", FACTS)
    assert (fetched.cached, fetched.tier, fetched.engine) == (False, "exact", "eng-1")
    assert _listing(tmp_path) == ["out/net/engine", "out/net/manifest.json", "out/net/plugins/a"]
    assert read_manifest(fetched.folder) == wanted
    assert list((tmp_path / "out").iterdir()) == [fetched.folder]


def test_a_folder_for_plugins_is_there_without_plugins(client: FarmClient, double: Double, tmp_path: Path) -> None:
    _store(double, engine=b"plan")
    assert (client.fetch("net", tmp_path / "net", FACTS).folder / "plugins").is_dir()


def test_the_same_engine_is_kept_and_a_damaged_one_mended(client: FarmClient, double: Double, tmp_path: Path) -> None:
    _store(double, engine=b"plan")
    client.fetch("net", tmp_path / "net", FACTS)
    double.asked.clear()
    assert client.fetch("net", tmp_path / "net", FACTS).cached
    assert double.asked == ["POST /fetch"]
    (tmp_path / "net" / "engine").write_bytes(b"pla!")
    assert not client.fetch("net", tmp_path / "net", FACTS).cached
    assert (tmp_path / "net" / "engine").read_bytes() == b"plan"


def test_news_about_a_kept_engine_reach_its_manifest(client: FarmClient, double: Double, tmp_path: Path) -> None:
    stored = _store(double, engine=b"plan")
    client.fetch("net", tmp_path / "net", FACTS)
    news = replace(stored, built_at="later")
    double.engines["eng-1"] = replace(double.engines["eng-1"], manifest=news)
    assert client.fetch("net", tmp_path / "net", FACTS).cached
    assert read_manifest(tmp_path / "net") == news


@pytest.mark.parametrize("exchange", [True, False])
def test_another_engine_takes_the_place(
    client: FarmClient, double: Double, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchange: bool
) -> None:
    if not exchange:
        monkeypatch.setattr(folders, "_exchange", lambda one, other: False)
    _store(double, engine=b"plan", plugins__a=b"library")
    client.fetch("net", tmp_path / "net", FACTS)
    _store(double, engine=b"newer")
    assert not client.fetch("net", tmp_path / "net", FACTS).cached
    assert _listing(tmp_path) == ["net/engine", "net/manifest.json"]
    assert (tmp_path / "net" / "engine").read_bytes() == b"newer"


def test_a_link_to_a_folder_stays_a_link(client: FarmClient, double: Double, tmp_path: Path) -> None:
    _store(double, engine=b"plan")
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    client.fetch("net", tmp_path / "link", FACTS)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "engine").exists()


def test_what_is_not_an_engine_is_never_replaced(client: FarmClient, double: Double, tmp_path: Path) -> None:
    _store(double, engine=b"plan")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("years")
    (tmp_path / "file").write_text("years")
    for name in ("home", "file"):
        with pytest.raises(Conflict, match="-o"):
            client.fetch("net", tmp_path / name, FACTS)
    assert _listing(tmp_path) == ["file", "home/thesis.txt"]


def test_the_engine_of_another_model_is_replaced_only_by_force(
    client: FarmClient, double: Double, tmp_path: Path
) -> None:
    _store(double, engine=b"plan", plugins__a=b"library")
    theirs = _bundle(tmp_path / "out", manifest(model_name="yolo", model="e" * 64), engine=b"other")
    with pytest.raises(Conflict) as refused:
        client.fetch("net", theirs, FACTS)
    assert str(refused.value) == (
        f"{theirs} holds the engine of yolo, not of net. Give another folder with -o, or replace that engine with "
        "--force."
    )
    assert _listing(tmp_path) == ["out/engine", "out/manifest.json"]
    client.fetch("net", theirs, FACTS, force=True)
    assert _listing(tmp_path) == ["out/engine", "out/manifest.json", "out/plugins/a"]
    assert read_manifest(theirs).model_name == "net"


def test_one_model_under_two_names_is_one_model(client: FarmClient, double: Double, tmp_path: Path) -> None:
    _store(double, engine=b"plan")
    place = _bundle(tmp_path / "out", manifest(model_name="alias"), engine=b"older")
    client.fetch("net", place, FACTS)
    assert (place / "engine").read_bytes() == b"plan"


@pytest.mark.parametrize("foreign", ["out.npz", "plugins/notes.txt", "plugins/link"])
def test_what_a_person_put_beside_the_engine_is_never_lost(
    client: FarmClient, double: Double, tmp_path: Path, foreign: str
) -> None:
    _store(double, engine=b"plan", plugins__a=b"library")
    client.fetch("net", tmp_path / "net", FACTS)
    if foreign.endswith("link"):
        (tmp_path / "net" / foreign).symlink_to(tmp_path)
    else:
        (tmp_path / "net" / foreign).write_text("years")
    assert client.fetch("net", tmp_path / "net", FACTS).cached
    _store(double, engine=b"newer")
    for force in (False, True):
        with pytest.raises(Conflict, match=f"holds {foreign}, which is not of the engine there"):
            client.fetch("net", tmp_path / "net", FACTS, force=force)
    assert (tmp_path / "net" / foreign).exists()
    assert (tmp_path / "net" / "engine").read_bytes() == b"plan"


def test_an_interrupted_fetch_shows_nothing_and_goes_on(client: FarmClient, double: Double, tmp_path: Path) -> None:
    _store(double, one=b"1" * 1000, two=b"2" * 1000)
    double.corrupt = True
    with pytest.raises(BlobCorrupt):
        client.fetch("net", tmp_path / "net", FACTS)
    assert not (tmp_path / "net").exists()
    double.corrupt, double.break_after = False, [1000, 10] + [0] * 10
    client._transport.sleep = lambda seconds: None
    with pytest.raises(Exception, match="broke"):
        client.fetch("net", tmp_path / "net", FACTS)
    assert not (tmp_path / "net").exists()
    double.break_after, double.asked = [], []
    client.fetch("net", tmp_path / "net", FACTS)
    assert len(double.asked) == 2, "the first file is complete, the second is fetched from its tenth byte"
    assert sorted(item.name for item in tmp_path.iterdir()) == ["net"]


def test_what_was_left_of_another_engine_stays_out(client: FarmClient, double: Double, tmp_path: Path) -> None:
    _store(double, engine=b"plan", plugins__a=b"library")
    double.break_after = [4] + [0] * 20
    client._transport.sleep = lambda seconds: None
    with pytest.raises(Exception, match="broke"):
        client.fetch("net", tmp_path / "net", FACTS)
    double.break_after = []
    _store(double, engine=b"newer")
    client.fetch("net", tmp_path / "net", FACTS)
    assert _listing(tmp_path) == ["net/engine", "net/manifest.json"]


def test_two_processes_do_not_fill_one_folder(client: FarmClient, double: Double, tmp_path: Path) -> None:
    _store(double, engine=b"plan")
    workspace = tmp_path / ".net.farm-part"
    workspace.mkdir()
    descriptor = os.open(str(workspace), os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(Conflict, match="another process"):
        client.fetch("net", tmp_path / "net", FACTS)
    os.close(descriptor)
    client.fetch("net", tmp_path / "net", FACTS)


@pytest.mark.parametrize("name", ["../escape", "/escape", "plugins/../../escape"])
def test_names_that_leave_the_folder_are_refused(client: FarmClient, double: Double, tmp_path: Path, name: str) -> None:
    ref = FileRef(name, 4, double.store(b"plan"))
    double.engines = {"eng-1": engine_detail(files=(ref,))}
    with pytest.raises(Exception, match="leaves the folder"):
        client.fetch("net", tmp_path / "a" / "net", FACTS)
    assert not (tmp_path / "a" / "escape").exists()
    assert not (tmp_path / "escape").exists()


def test_a_device_that_nothing_fits_gets_every_reason(client: FarmClient, tmp_path: Path) -> None:
    with pytest.raises(NoEngine) as caught:
        client.fetch("net", tmp_path / "net", replace(FACTS, platform="linux-aarch64", backends=()))
    (candidate,) = considered_in(caught.value)
    assert candidate.refusals == (
        "built for linux-x86_64, this device is linux-aarch64",
        "needs onnxruntime 1.31.1, this device has none",
    )
    assert list(tmp_path.iterdir()) == []
