"""An engine on its way to a device: brought whole, refused with reasons, run, measured and compared there."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from farm.device.probe import probe
from farm.protocol.codec import dumps, loads
from farm.protocol.engine import EngineManifest
from tests.support import models

from .live import Live

QUICK = ("--duration", "0.1", "--warmUp", "10", "--max-cv", "100000")
LOCAL = {"FARM_URL": "", "FARM_TOKEN": ""}


def submitted(farm: Live, path: Path, *options: str) -> str:
    """The digest of the model, built for this machine."""
    view = farm.json("submit", path, "-t", "cpu", "--wait", *QUICK, *options)
    assert view["exit_code"] == 0, view
    return str(view["model"])


def saved(model: Any, path: Path) -> Path:
    onnx.save(model, str(path))
    return path


@pytest.fixture(scope="module")
def net(farm: Live, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network with its engine on the farm."""
    path = saved(models.conv_net(), tmp_path_factory.mktemp("models") / "net.onnx")
    submitted(farm, path)
    return path


@pytest.fixture(scope="module")
def engine(farm: Live, net: Path) -> Path:
    """Its engine as a folder."""
    folder = net.parent / "engine"
    assert farm("fetch", "net", "-o", folder).code == 0
    return folder


def test_the_folder_is_a_manifest_an_engine_and_plugins(farm: Live, engine: Path) -> None:
    assert sorted(path.name for path in engine.iterdir()) == ["engine.onnx", "manifest.json", "plugins"]
    assert (engine / "plugins").is_dir()
    manifest = loads(EngineManifest, (engine / "manifest.json").read_bytes())
    assert (manifest.model_name, [item.name for item in manifest.files]) == ("net", ["engine.onnx"])
    assert manifest.verification is not None
    assert str(manifest.verification.verdict) == "passed"


def test_a_folder_that_holds_it_is_kept_and_one_that_holds_something_else_left_alone(
    farm: Live, engine: Path, tmp_path: Path
) -> None:
    before = (engine / "engine.onnx").stat()
    told = farm.json("fetch", "net", "-o", engine)
    assert (told["cached"], told["folder"], told["tier"], told["name"]) == (True, str(engine), "exact", "net")
    assert (engine / "engine.onnx").stat().st_ino == before.st_ino
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/precious.txt").write_text("mine")
    refused = farm("fetch", "net", "-o", tmp_path / "mine")
    assert refused.code == 2
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["precious.txt"]


def test_a_damaged_engine_is_found_and_brought_again(farm: Live, net: Path, tmp_path: Path) -> None:
    folder = tmp_path / "net"
    assert farm("fetch", "net", "--print-path", cwd=tmp_path).out == f"{folder}\n"
    content = bytearray((folder / "engine.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "engine.onnx").write_bytes(bytes(content))
    damaged = farm("check", folder, env=LOCAL)
    assert damaged.code == 9
    assert "sha256" in damaged.err or "damaged" in damaged.err
    assert farm.json("fetch", "net", "-o", folder)["cached"] is False
    assert farm("check", folder, env=LOCAL).out == "net fits (exact)\n"


def test_check_needs_no_coordinator_and_refuses_another_device(farm: Live, engine: Path, tmp_path: Path) -> None:
    assert farm("check", engine, env=LOCAL).code == 0
    here = probe()
    lacking = replace(here, cpu=replace(here.cpu, instruction_sets=()), backends=())
    (tmp_path / "old.json").write_text(dumps(lacking))
    farm("devices", "add", "--facts", tmp_path / "old.json", "--name", "old")
    told = farm("check", engine, "--device", "old")
    assert told.code == 4
    assert len(told.lines) == 3
    assert "needs the instruction sets" in told.out
    assert farm.json("check", engine, "--device", "old", code=4)["fits"] is False


def test_refusals_are_a_line_each_and_code_4(farm: Live, net: Path, tmp_path: Path) -> None:
    facts = Path(__file__).parents[1] / "data/facts/xavier.json"
    farm("devices", "add", "--facts", facts)
    told = farm("fetch", "net", "--device", "xavier-1", "-o", tmp_path / "x")
    assert (told.code, told.out) == (4, "")
    *refusals, error = told.err.splitlines()
    assert any("built for linux-x86_64, this device is linux-aarch64" in line for line in refusals)
    assert any("needs onnxruntime" in line for line in refusals)
    assert error.startswith("error: no engine of net fits this device as asked. Build one")
    assert not (tmp_path / "x").exists()
    explained = farm("fetch", "net", "--explain", "--device", "xavier-1")
    assert (explained.code, "refused" in explained.out) == (4, True)
    chosen = farm.json("fetch", "net", "--explain")
    assert chosen["engine"] == chosen["considered"][0]["engine"]
    precise = farm("fetch", "net", "--precision", "int8", "-o", tmp_path / "x")
    assert precise.code == 4
    assert "built as fp32, asked for int8" in precise.err


def test_several_variants_are_listed_and_one_is_chosen(farm: Live, tmp_path: Path) -> None:
    path = saved(models.conv_net(seed=3), tmp_path / "twofold.onnx")
    submitted(farm, path)
    submitted(farm, path, "--fp16")
    told = farm("fetch", "twofold", "-o", tmp_path / "out")
    assert told.code == 2
    assert "2 different engines of twofold fit this device" in told.err
    for words in ("fp32, key ", "fp16, key ", "Choose with --precision or --key."):
        assert words in told.err
    assert not (tmp_path / "out").exists()
    explained = farm("fetch", "twofold", "--explain")
    assert explained.code == 2
    assert [line.split()[-1] for line in explained.lines] == ["NOT", "exact", "exact"]
    assert "2 different engines of twofold fit this device: " in explained.err
    assert explained.err.rstrip().endswith("Choose with --precision or --key.")
    told = farm.json("fetch", "twofold", "--explain", code=2)
    assert (told["engine"], len(told["considered"])) == (None, 2)
    assert "Choose with --precision or --key." in told["reason"]
    narrowed = farm.json("fetch", "twofold", "--explain", "--precision", "fp16")
    assert (narrowed["engine"] is not None, narrowed["reason"], len(narrowed["considered"])) == (True, "", 2)
    chosen = farm.json("fetch", "twofold", "-o", tmp_path / "out", "--precision", "fp16")
    assert chosen["precision"] == "fp16"
    by_key = farm.json("fetch", "twofold", "-o", tmp_path / "by-key", "--key", chosen["key"][:12])
    assert by_key["engine"] == chosen["engine"]


def test_a_name_that_moved_never_gives_the_old_engine(farm: Live, tmp_path: Path) -> None:
    path = saved(models.conv_net(seed=1), tmp_path / "moving.onnx")
    old = submitted(farm, path)
    assert farm.json("fetch", "moving", "-o", tmp_path / "out")["model"] == old
    # The name moves with the submission, long before there is an engine.
    saved(models.conv_net(seed=2), path)
    other = saved(models.conv_net(seed=2), tmp_path / "moving.onnx")
    farm("devices", "drain", *[item["name"] for item in farm.json("devices")["devices"] if item["state"] == "idle"])
    waiting = farm("submit", other, "-t", "cpu", *QUICK)
    assert waiting.code == 0, waiting.err
    told = farm("fetch", "moving", "-o", tmp_path / "new")
    assert (told.code, (tmp_path / "new").exists()) == (4, False)
    assert "there is no engine of moving" in told.err
    # The old one is there for whoever names it.
    assert farm.json("fetch", "moving", "--model", old, "-o", tmp_path / "old")["model"] == old
    names = [item["name"] for item in farm.json("devices")["devices"] if item["state"] == "draining"]
    farm("devices", "undrain", *names)
    assert farm("status", waiting.out.strip(), "--watch").code == 0
    new = farm.json("fetch", "moving", "-o", tmp_path / "out")
    assert (new["model"], new["cached"]) != (old, True)
    assert loads(EngineManifest, (tmp_path / "out/manifest.json").read_bytes()).model == new["model"]


def test_inference_through_the_fetched_engine_is_right(farm: Live, net: Path, engine: Path, tmp_path: Path) -> None:
    images = np.random.default_rng(4).standard_normal((1, 3, 16, 16)).astype(np.float32)
    np.savez(tmp_path / "in.npz", images=images)
    told = farm("run", engine, "--loadInputs", tmp_path / "in.npz", "-o", tmp_path / "out.npz", env=LOCAL)
    assert told.code == 0, told.err
    assert [line.split()[0] for line in told.lines] == ["OUTPUT", "logits", "features"]
    expected = models.plain_outputs(net, {"images": images})
    with np.load(tmp_path / "out.npz") as outputs:
        assert set(outputs) == set(expected)
        for name, array in expected.items():
            np.testing.assert_allclose(outputs[name], array, rtol=1e-4, atol=1e-5)
    made_up = json.loads(farm("run", engine, "--json", "--seed", "7", env=LOCAL).out)
    assert [(item["name"], item["shape"]) for item in made_up["outputs"]] == [
        ("logits", [1, 10]),
        ("features", [1, 32]),
    ]


def test_verify_tells_right_from_wrong(farm: Live, net: Path, engine: Path, tmp_path: Path) -> None:
    images = np.random.default_rng(4).standard_normal((1, 3, 16, 16)).astype(np.float32)
    outputs = models.plain_outputs(net, {"images": images})
    np.savez(tmp_path / "in.npz", images=images)
    np.savez(tmp_path / "right.npz", **outputs)
    np.savez(tmp_path / "wrong.npz", **{**outputs, "logits": outputs["logits"] * 1.1})
    inputs = ["--loadInputs", tmp_path / "in.npz", "--loadRefOutputs"]
    right = farm("verify", engine, *inputs, tmp_path / "right.npz", env=LOCAL)
    assert (right.code, right.lines[0].split()) == (0, ["verdict", "passed", "against", "right.npz"])
    wrong = farm("verify", engine, *inputs, tmp_path / "wrong.npz", env=LOCAL)
    assert (wrong.code, wrong.lines[0].split()[:2]) == (3, ["verdict", "failed"])
    lenient = ["--atol", "logits:10", "--rtol", "1"]
    assert farm("verify", engine, *inputs, tmp_path / "wrong.npz", *lenient, env=LOCAL).code == 0
    report = json.loads(farm("verify", engine, *inputs, tmp_path / "wrong.npz", "--json", env=LOCAL).out)
    assert {item["name"]: item["verdict"] for item in report["outputs"]} == {"logits": "failed", "features": "passed"}


def test_bench_measures_by_the_farms_protocol(farm: Live, engine: Path) -> None:
    told = farm("bench", engine, *QUICK, "--iterations", "20", env=LOCAL)
    assert told.code == 0, told.err
    assert {"p50", "p90", "p95", "p99", "mean", "throughput", "spread", "protocol"} <= {
        line.split()[0] for line in told.lines if line
    }
    report = json.loads(farm("bench", engine, *QUICK, "--json", env=LOCAL).out)
    assert report["iterations"] >= 10
    assert report["latency"]["median_ms"] <= report["latency"]["p99_ms"]
    noisy = farm("bench", engine, "--duration", "0.1", "--max-cv", "0.000001", env=LOCAL)
    assert noisy.code == 5


def test_inspect_compare_and_key_read_folders(farm: Live, net: Path, engine: Path) -> None:
    assert "precision" in farm("inspect", engine, env=LOCAL).out
    summary = json.loads(farm("inspect", net, "--json", env=LOCAL).out)
    assert summary["summary"]["operators"]["Conv"] == 3
    (stored,) = [item["id"] for item in farm.json("engines", "--model", "net")["engines"]]
    assert farm("key", engine, stored).err.startswith("the same key")
    assert farm.json("compare", stored, engine)["engines"][1]["engine"] == str(engine)
    assert farm("compare", engine, engine, "--fail-if-slower", "5%", env=LOCAL).code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "ENGINE", "--loadInputs", "/nowhere.npz"], "there is no file /nowhere.npz"),
        (["run", "ENGINE", "--shapes", "images:2x3x16x16"], "images"),
        (["run", "ENGINE", "--value", "nothing=1"], "the engine has no input 'nothing'"),
        (["run", "ENGINE", "-o", "/nowhere/out.npz"], "cannot write /nowhere/out.npz"),
        (["verify", "ENGINE", "--loadRefOutputs", "/nowhere.npz"], "Give those with --loadInputs"),
        (["check", "/"], "holds no engine"),
        (["inspect", "/etc/hostname"], "is not an ONNX file"),
        (["compare", "ENGINE"], "Name two or more"),
    ],
)
def test_what_cannot_be_right_is_one_sentence(farm: Live, engine: Path, arguments: list[str], said: str) -> None:
    told = farm(*[str(engine) if item == "ENGINE" else item for item in arguments], env=LOCAL)
    assert told.code == 2
    assert said in told.err
    assert len(told.err.splitlines()) == 1
