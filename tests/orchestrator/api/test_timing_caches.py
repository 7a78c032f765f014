"""Timing caches over HTTP: who may do what, and two workers that share what they learned at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import onnx
import pytest

from farm.protocol.codec import from_json
from farm.protocol.states import Role, Scope
from farm.protocol.timing import TIMING_CACHE_FILE, TimingCacheSwap, TimingCacheSwapped, TimingCacheView
from farm.protocol.work import Claim
from tests.farm_live.live import Live
from tests.support import models
from tests.support.coordinator import cpu_facts, gpu_facts
from worker.child.merging import OURS_FILE, THEIRS_FILE, Merged
from worker.coordinator import Coordinator, LeaseLine
from worker.lease.exchange import Exchange
from worker.lease.halt import Halt
from worker.lease.patience import Patience
from worker.lease.timing_cache import FleetCache
from worker.lease.transfer import Cache

from .doors import API, Doors
from .worker import Worker, submitted


class Line(LeaseLine):
    """A real line, which waits before its first swap until everybody is there."""

    gate: threading.Barrier | None = None

    def swap_timing_cache(self, swap: TimingCacheSwap) -> TimingCacheSwapped:
        if self.gate is not None:
            gate, self.gate = self.gate, None
            gate.wait(20)
        return super().swap_timing_cache(swap)


class Device:
    """A device with a card, its lease on a build, and what its worker shares with; caches are lists of lines."""

    def __init__(self, doors: Doors, name: str, folder: Path, closing: ExitStack) -> None:
        self.name, self.folder, self.closing = name, folder, closing
        self.secret = doors.secret(Scope.WORKER, name=name)
        headers = {"Authorization": f"Bearer {self.secret}"}
        self.client = closing.enter_context(httpx.Client(base_url=doors.url, headers=headers, timeout=30.0))
        self.worker = Worker(self.client, doors, name, gpu_facts(), (Role.DEVICE,))
        self.url = doors.url
        self.said: list[str] = []
        self.merged = 0

    def claim(self) -> Claim:
        return self.worker.claim(f"{self.name}-builds")

    def fleet_cache(self, claim: Claim, gate: threading.Barrier | None = None) -> FleetCache:
        coordinator = Coordinator(self.url, self.secret)
        held = coordinator.hold(claim.lease)
        line = Line(held.lease, held._transport, held.blobs)
        self.closing.callback(coordinator.close)
        self.closing.callback(line.close)
        line.gate = gate
        patience = Patience(threading.Event(), lambda: 0.0)
        exchange = Exchange(line, Cache(self.folder / "blobs", 1 << 20), patience, Halt())
        return FleetCache(exchange, self.merge, self.said.append)

    def merge(self, folder: Path) -> Merged:
        self.merged += 1
        ours, theirs = (set((folder / "input" / name).read_text().splitlines()) for name in (OURS_FILE, THEIRS_FILE))
        if "garbage" in theirs:
            return Merged.REFUSED
        if ours <= theirs:
            return Merged.NOTHING_NEW
        (folder / "output" / TIMING_CACHE_FILE).write_text("\n".join(sorted(ours | theirs)))
        return Merged.BOTH

    def share(self, claim: Claim, lines: str, grew_from: str | None = None, gate: Any = None) -> None:
        learned = self.folder / f"{claim.lease.attempt}-learned"
        learned.write_text(lines)
        self.fleet_cache(claim, gate).share(learned, grew_from, self.folder / claim.lease.attempt)


@pytest.fixture
def devices(doors: Doors, tmp_path: Path) -> Iterator[list[Device]]:
    """Three of one class, each with room for a lease."""
    for name in "abc":
        (tmp_path / name).mkdir()
    with ExitStack() as closing:
        yield [Device(doors, name, tmp_path / name, closing) for name in "abc"]


def queue(doors: Doors, count: int) -> None:
    """So many builds for them, prepared."""
    with doors.client(Scope.SUBMIT) as user, doors.client(Scope.WORKER, name="host") as client:
        host = Worker(client, doors, "host", cpu_facts("host"), (Role.HOST,))
        for number in range(count):
            submitted(user, f"model {number}".encode(), targets=["backend=tensorrt"])
        host.serve()


def cached(doors: Doors) -> tuple[TimingCacheView, str]:
    """The one cache there is, and what is in it."""
    with doors.client() as admin:
        (view,) = admin.get(f"{API}/timing-caches").json()["timing_caches"]
        found = from_json(TimingCacheView, view)
        return found, admin.get(f"{API}/blobs/{found.sha256}").text


def test_what_three_workers_learn_at_once_is_all_there(doors: Doors, devices: list[Device]) -> None:
    queue(doors, len(devices))
    claims = [device.claim() for device in devices]
    gate = threading.Barrier(len(devices))
    with ThreadPoolExecutor(len(devices)) as pool:
        done = [
            pool.submit(device.share, claim, f"all\n{device.name}", None, gate)
            for device, claim in zip(devices, claims, strict=True)
        ]
        assert [item.result() for item in done] == [None] * 3
    view, text = cached(doors)
    assert text.split() == ["a", "all", "b", "c"]
    assert view.swaps == 3
    with doors.client() as admin:
        exposed = admin.get("/metrics").text
    assert 'farm_timing_cache_swaps_total{result="swapped"} 3.0' in exposed
    assert 'farm_timing_cache_swaps_total{result="lost"} 0.0' not in exposed
    # The first needed no merge, and each of the others merged at least once.
    assert sorted(bool(device.merged) for device in devices) == [False, True, True]
    assert all("the timing cache of the fleet holds what this build learned" in device.said[-1] for device in devices)
    assert sum("merged with what" in device.said[-1] for device in devices) == 2


def test_what_a_build_is_given_is_brought_and_grows(doors: Doors, devices: list[Device]) -> None:
    queue(doors, 2)
    one, other, _ = devices
    one.share(one.claim(), "conv")
    second = other.claim()
    path = other.folder / "given"
    assert second.build
    given = second.build.timing_cache
    other.fleet_cache(second).bring(given, path)
    assert path.read_text() == "conv"
    assert given
    other.share(second, "conv\ngemm", given.sha256)
    assert (cached(doors)[1], other.merged) == ("conv\ngemm", 0)


def test_a_cache_that_nobody_can_read_is_replaced(doors: Doors, devices: list[Device]) -> None:
    queue(doors, 3)
    one, other, third = devices
    one.share(one.claim(), "garbage")
    other.share(other.claim(), "conv")
    assert cached(doors)[1] == "conv"
    assert "cannot be used here" in other.said[0]
    sha256 = cached(doors)[0].sha256
    assert sha256
    doors.context.blobs.delete(sha256, older_than_s=0.0)
    last = third.claim()
    assert last.build
    third.fleet_cache(last).bring(last.build.timing_cache, third.folder / "given")
    assert "begins without the timing cache of the fleet" in third.said[0]
    assert not (third.folder / "given").exists()
    third.share(last, "gemm")
    assert cached(doors)[1] == "gemm"


def test_nothing_new_changes_nothing(doors: Doors, devices: list[Device]) -> None:
    queue(doors, 2)
    one, other, _ = devices
    one.share(one.claim(), "conv\ngemm")
    other.share(other.claim(), "gemm")
    assert "already" in other.said[-1]
    assert cached(doors)[0].swaps == 1


def test_a_merge_that_fails_costs_no_build(
    doors: Doors, devices: list[Device], monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(doors, 2)
    one, other, _ = devices
    one.share(one.claim(), "conv")

    def full(_: Path) -> Merged:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(other, "merge", full)
    other.share(other.claim(), "gemm")
    assert other.said == ["what this build learned was not shared: [Errno 28] No space left on device"]
    assert cached(doors)[1] == "conv"


def test_the_command_lists_shows_certifies_and_drops(doors: Doors, devices: list[Device], tmp_path: Path) -> None:
    farm = Live(doors.url, doors.secret(), tmp_path)
    assert farm("timing-caches").err == "no timing caches; builds with TensorRT make them\n"
    queue(doors, 1)
    devices[0].share(devices[0].claim(), "conv")
    view = cached(doors)[0]
    assert view.sha256
    told = farm("timing-caches")
    assert told.lines[0].split()[:2] == ["TIMING", "CACHE"]
    assert told.lines[1].split()[:-3] == [
        view.id,
        *["NVIDIA", "H200", "·", "tensorrt", "8.5.3.1"],
        view.sha256[:12],
        "4",
        "B",
        "1",
    ]
    assert farm("timing-caches", "certify", view.id).err == (
        f"{view.id} (NVIDIA H200 · tensorrt 8.5.3.1): certified {view.sha256[:12]}\n"
    )
    shown = farm("timing-caches", "show", view.id).out
    assert shown.count(view.sha256) == 3, "the state, what is certified, and the one version"
    assert farm("timing-caches", "drop", view.id).err.endswith(": dropped\n")
    assert farm.json("timing-caches", "show", view.id)["certified"] == view.sha256
    assert farm.json("timing-caches", "uncertify", view.id)["certified"] is None
    lost = farm("timing-caches", "show", "tch-none")
    assert (lost.code, "Run farm timing-caches list." in lost.err) == (2, True)


def test_a_submit_says_how_to_use_it(doors: Doors, devices: list[Device], tmp_path: Path) -> None:
    queue(doors, 1)
    farm = Live(doors.url, doors.secret(), tmp_path)
    model = tmp_path / "net.onnx"
    onnx.save(models.conv_net(), str(model))
    refused = farm("submit", model, "--targets", "a", "--timing-cache", "certified")
    assert (refused.code, "no timing cache is certified for NVIDIA H200" in refused.err) == (2, True)
    keys = {}
    for use in ("shared", "none"):
        made = farm.json("submit", model, "--targets", "a", "--timing-cache", use)
        keys[use] = farm.json("key", made["builds"][0]["build"])["key"]["timing_cache"]
        again = farm.json("submit", "--clone", made["id"])
        assert again["builds"][0]["key"] == made["builds"][0]["key"], "a clone keeps it"
    assert keys == {"shared": "shared", "none": "none"}


def test_only_administrators_certify_and_drop(doors: Doors, devices: list[Device]) -> None:
    queue(doors, 1)
    devices[0].share(devices[0].claim(), "conv")
    view = cached(doors)[0]
    where = f"{API}/timing-caches/{view.id}"
    for scope in (Scope.SUBMIT, Scope.FETCH):
        with doors.client(scope) as reader:
            assert reader.get(where).json()["sha256"] == view.sha256
            assert reader.post(f"{where}/certify", json={}).status_code == 403
            assert reader.post(f"{where}/uncertify").status_code == 403
            assert reader.delete(where).status_code == 403
    assert devices[0].client.get(where).status_code == 403
    with doors.client() as admin:
        assert admin.post(f"{where}/certify", json={"sha256": "0" * 64}).status_code == 409
        assert admin.post(f"{where}/certify", json={}).json()["certified"] == view.sha256
        assert admin.delete(where).json()["sha256"] is None
        assert admin.get(where).json()["certified"] == view.sha256
        assert admin.post(f"{where}/uncertify").json()["certified"] is None
        assert admin.get(f"{API}/timing-caches/tch-none").status_code == 404
