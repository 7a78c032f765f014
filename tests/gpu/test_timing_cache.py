"""The timing cache of the fleet on a card: cold and warm, merged, refused and certified, each through `farm submit`.

`FARM_GPU_MODEL` names an ONNX file to build cold and warm instead of a small one, and `FARM_GPU_PRECISION` how.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest

from farm.filehash import file_ref
from farm.protocol.codec import dumps
from farm.protocol.states import Role, Scope, State
from farm.protocol.timing import TIMING_CACHE_FILE, TimingCacheSwap, TimingCacheView
from farm.protocol.views import SubmissionView
from farm.protocol.work import ClaimAsk, Enrolment
from tests.e2e.fleet import Fleet
from tests.e2e.process import ROOT
from tests.support import models
from worker.child.guard import SPEC_FILE
from worker.child.merging import OURS_FILE, THEIRS_FILE, MergeWork
from worker.coordinator import Coordinator
from worker.lease.transfer import send

from .commands import PYTHON
from .farms import card_fleet
from .farms import options as given

MODEL = os.environ.get("FARM_GPU_MODEL", "")
PRECISION = os.environ.get("FARM_GPU_PRECISION", "fp16")
TARGET = "backend=tensorrt"
_LONGEST_S = 500.0


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A farm whose worker builds two models at once on the one card."""
    with card_fleet(tmp_path_factory.mktemp("farm"), "--slots", "gpu0,second") as made:
        yield made


@pytest.fixture
def farm(whole: Fleet) -> Fleet:
    """The farm, with nothing in its timing cache."""
    for view in whole.client.timing_caches.list():
        whole.client.timing_caches.drop(view.id)
    return whole


def submit(farm: Fleet, path: Path, *options: object) -> str:
    """The id of a submission that is not waited for."""
    told = farm.json("submit", path, "--targets", TARGET, "--precision", PRECISION, "--no-bench", *given(), *options)
    return str(told["id"])


def built(farm: Fleet, submission: str) -> dict[str, Any]:
    """The effective recipe of what a submission built."""
    view = farm.ended(farm.client.status(submission), _LONGEST_S)
    assert view.state is State.DONE, log_of(farm, view)
    return dict(farm.client.engines.show(str(view.builds[0].engine)).manifest.effective)


def show(text: str) -> None:
    """Say what was measured; `-s` lets it through."""
    sys.stdout.write(f"{text}\n")


def log_of(farm: Fleet, view: SubmissionView) -> str:
    return farm.farm("logs", view.id).out[-4000:]


def said(farm: Fleet, submission: str) -> str:
    return farm.farm("logs", submission).out


def only(farm: Fleet) -> TimingCacheView:
    (found,) = farm.client.timing_caches.list()
    return found


def net(folder: Path, channels: int, blocks: int = 8) -> Path:
    """A network whose convolutions are no other's."""
    path = folder / f"net-{channels}.onnx"
    onnx.save(models.conv_net(size=96, channels=channels, blocks=blocks), str(path))
    return path


def state(farm: Fleet, folder: Path, name: str) -> Path:
    """What is in the cache now."""
    sha256 = only(farm).sha256
    assert sha256
    return farm.client.download_blob(sha256, folder / name)


def test_a_warm_build_times_hardly_anything(farm: Fleet, tmp_path: Path) -> None:
    path = Path(MODEL) if MODEL else net(tmp_path, 120)
    cold = built(farm, submit(farm, path))
    after_cold = only(farm)
    again = submit(farm, path, "--force")
    warm = built(farm, again)
    show(json.dumps({"model": path.name, "precision": PRECISION, "cold": cold, "warm": warm}, indent=1))
    before, after = cold["timing_cache"], warm["timing_cache"]
    assert before["use"] == after["use"] == "shared"
    assert before["ended_bytes"] > before["began_bytes"]
    assert after["sha256"] == after_cold.sha256
    assert after["began_bytes"] == pytest.approx(before["ended_bytes"], rel=0.02)
    assert "refused" not in after
    # Every time that the cold build took is in the cache.
    assert before["tactics_timed"] > 0
    assert after["tactics_timed"] < 0.05 * before["tactics_timed"]
    # DETR-R50 in fp16: 115.0 s and 31.0 s; what is left is not timing.
    assert warm["build_s"] < (cold["build_s"] / 3 if MODEL else cold["build_s"] / 2)
    assert after["ended_bytes"] == pytest.approx(after["began_bytes"], rel=0.02), "it learned next to nothing"
    assert only(farm).swaps - after_cold.swaps == (after["ended_bytes"] != after["began_bytes"])
    # What it saved is held against the cold build, and called an estimate.
    assert after["estimate"]["cold_build_s"] == cold["build_s"]
    assert after["estimate"]["saved_s"] > 0


def test_two_builds_at_once_lose_nothing(farm: Fleet, tmp_path: Path) -> None:
    first, second = net(tmp_path, 72), net(tmp_path, 104)
    submissions = [submit(farm, path) for path in (first, second)]
    told = [built(farm, item)["timing_cache"] for item in submissions]
    logs = [said(farm, item) for item in submissions]
    show("\n".join(line for log in logs for line in log.splitlines() if "timing cache" in line))
    if all("sha256" not in item for item in told):
        assert sum("merged with what another build had shared first" in log for log in logs) == 1, (
            "both began empty, so the later one merged"
        )
    # Whatever came first: now both are known.
    for path in (first, second):
        warm = built(farm, submit(farm, path, "--force"))["timing_cache"]
        assert warm["tactics_timed"] < 0.05 * max(item["tactics_timed"] for item in told)
        assert warm["ended_bytes"] == pytest.approx(warm["began_bytes"], rel=0.02)


def merged(folder: Path, farm: Fleet, ours: Path, theirs: Path) -> tuple[str, Path]:
    """How a merge child of the card's Python ended, and where it wrote."""
    for name in ("input", "output"):
        (folder / name).mkdir(parents=True)
    (folder / "input" / OURS_FILE).write_bytes(ours.read_bytes())
    (folder / "input" / THEIRS_FILE).write_bytes(theirs.read_bytes())
    (engine, *_) = farm.client.engines.list()
    target = farm.client.engines.show(engine.id).manifest.key.target
    (folder / SPEC_FILE).write_text(dumps(MergeWork(target)))
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [PYTHON, "-m", "worker.device.merge", str(folder)]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stdout[-3000:]
    return json.loads((folder / "result.json").read_text())["ended"], folder / "output" / TIMING_CACHE_FILE


def test_a_merge_holds_what_both_hold(farm: Fleet, tmp_path: Path) -> None:
    built(farm, submit(farm, net(tmp_path, 56)))
    one = state(farm, tmp_path, "one")
    farm.client.timing_caches.drop(only(farm).id)
    built(farm, submit(farm, net(tmp_path, 88)))
    other = state(farm, tmp_path, "other")
    ended, both = merged(tmp_path / "both", farm, one, other)
    sizes = [path.stat().st_size for path in (one, other, both)]
    show(f"bytes of one, other, both: {sizes}")
    assert ended == "both"
    assert sizes[2] > max(sizes[:2])
    for number, part in enumerate((one, other)):
        assert merged(tmp_path / f"again-{number}", farm, part, both)[0] == "nothing new"
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"this is no timing cache " * 100)
    assert merged(tmp_path / "refused", farm, one, garbage)[0] == "refused"


def test_what_is_no_cache_is_refused_and_replaced(farm: Fleet, tmp_path: Path) -> None:
    card = farm.client.devices.show("card")
    farm.client.devices.drain("card")
    first = submit(farm, net(tmp_path, 40))
    liar = Coordinator(farm.url, farm.client.tokens.create("liar", Scope.WORKER).secret)
    liar.enrol(Enrolment("liar", card.facts, (Role.DEVICE,), ("gpu0",)))
    claim = next(filter(None, (liar.claim(ClaimAsk("gpu0", (Role.DEVICE,), f"n{n}", wait_s=5)) for n in range(60))))
    path = tmp_path / "garbage"
    path.write_bytes(b"this is no timing cache " * 100)
    ref, line = file_ref(path), liar.hold(claim.lease)
    send(line.blobs, tmp_path, (ref,), (), None)
    assert line.swap_timing_cache(TimingCacheSwap(claim.lease.token, None, ref.sha256)).swapped
    line.release("done")
    line.close()
    liar.close()
    farm.client.devices.retire("liar")
    farm.client.devices.undrain("card")
    told = built(farm, first)["timing_cache"]
    log = said(farm, first)
    show("\n".join(line for line in log.splitlines() if "timing cache" in line.lower()))
    assert told["refused"]
    assert "sha256" not in told
    assert "that of this build takes its place" in log
    assert only(farm).sha256 != ref.sha256
    warm = built(farm, submit(farm, tmp_path / "net-40.onnx", "--force"))["timing_cache"]
    assert "refused" not in warm


def test_a_certified_cache_is_read_and_never_changed(farm: Fleet, tmp_path: Path) -> None:
    built(farm, submit(farm, net(tmp_path, 48)))
    view = farm.client.timing_caches.certify(only(farm).id)
    told = built(farm, submit(farm, net(tmp_path, 80), "--timing-cache", "certified"))["timing_cache"]
    assert (told["use"], told["sha256"]) == ("certified", view.certified)
    assert told["ended_bytes"] > told["began_bytes"]
    assert only(farm).sha256 == view.sha256
    without = built(farm, submit(farm, net(tmp_path, 48), "--timing-cache", "none"))["timing_cache"]
    assert without["use"] == "none"
    assert without["tactics_timed"] > 0
