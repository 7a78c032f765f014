"""`fetch`, `check`, `run`, `bench` and `verify` on an engine that really runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from farm.filehash import file_ref
from farm.protocol.requirement import EngineRequirement
from farm.protocol.target import GpuClass
from farm.runtime import load_arrays, open_engine, save_arrays
from farm.runtime.bundle import read_manifest, write_manifest

from ...double import Double
from ...samples import device_view, manifest
from ..conftest import Farm
from ..engines import bundle, here, real_engine, store


def test_what_is_fetched_runs(farm: Farm, double: Double, tmp_path: Path) -> None:
    store(double)
    told = farm("fetch", "net", "-o", tmp_path / "net")
    assert told.code == 0, told.err
    assert "(exact) fetched: " in told.out
    assert "engine eng-1, p50 1.25 ms" in told.err
    assert (tmp_path / "net" / "plugins").is_dir()
    assert farm("check", tmp_path / "net").out == "net fits (exact)\n"
    again = farm("fetch", "net", "-o", tmp_path / "net", "--print-path")
    assert again.out == f"{tmp_path / 'net'}\n"
    told = farm("fetch", "net", "-o", tmp_path / "net", "--json")
    assert (json.loads(told.out)["cached"], json.loads(told.out)["tier"]) == (True, "exact")


def test_a_folder_of_the_model_s_name_is_the_default(
    farm: Farm, double: Double, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(double)
    monkeypatch.chdir(tmp_path)
    assert farm("fetch", "net").code == 0
    assert read_manifest(tmp_path / "net").model_name == "net"


def test_the_engine_of_another_model_stays_without_force(farm: Farm, double: Double, tmp_path: Path) -> None:
    store(double)
    bundle(tmp_path / "det", model_name="yolo", model="e" * 64)
    told = farm("fetch", "net", "-o", tmp_path / "det")
    assert (told.code, told.out) == (2, "")
    assert "holds the engine of yolo, not of net. Give another folder with -o, or replace" in told.err
    assert farm("fetch", "net", "-o", tmp_path / "det", "--force").code == 0
    assert read_manifest(tmp_path / "det").model_name == "net"


def test_every_refusal_is_a_line_and_code_4(farm: Farm, double: Double, tmp_path: Path) -> None:
    store(double)
    other = replace(here(), platform="linux-aarch64", backends=())
    double.devices["xavier-1"] = replace(device_view("xavier-1"), facts=other)
    told = farm("fetch", "net", "-o", tmp_path / "net", "--device", "xavier-1")
    assert told.code == 4
    assert "built for linux-x86_64, this device is linux-aarch64" in told.err
    assert "this device has none" in told.err
    assert not (tmp_path / "net").exists()
    explained = farm("fetch", "net", "--explain", "--device", "xavier-1")
    assert (explained.code, "refused" in explained.out) == (4, True)
    assert farm("fetch", "net", "--explain").code == 0
    assert json.loads(farm("fetch", "net", "--explain", "--json").out)["engine"] == "eng-1"
    assert farm("fetch", "none", "--explain").code == 4


def test_check_says_why_an_engine_does_not_fit(farm: Farm, tmp_path: Path) -> None:
    _, made = real_engine()
    wanted = replace(made.requirement, instruction_sets=(*made.requirement.instruction_sets, "avx9999"))
    told = farm("check", bundle(tmp_path / "net", requirement=wanted))
    assert told.code == 4
    assert told.lines == ["net does not fit", "  needs the instruction sets avx9999, this processor lacks them"]
    assert json.loads(farm("check", tmp_path / "net", "--json").out)["fits"] is False


def test_check_says_that_an_engine_waits_for_its_weights(farm: Farm, tmp_path: Path) -> None:
    _, made = real_engine()
    key = replace(made.key, options=replace(made.key.options, backend_options={"stripWeights": True}))
    told = farm("check", bundle(tmp_path / "net", key=key))
    assert told.code == 4
    assert told.lines[1] == "  its weights were stripped, and it computes nothing before it is refitted"


def test_a_worse_fit_is_taken_only_where_it_is_allowed(farm: Farm, tmp_path: Path) -> None:
    _, made = real_engine()
    plain = bundle(tmp_path / "net", requirement=replace(made.requirement, instruction_sets=()))
    assert farm("check", plain).code == 0
    told = farm("check", plain, "--allow", "exact")
    assert (told.code, "accept that with --allow same-model" in told.out) == (4, True)


@pytest.mark.parametrize(("version", "told"), [("10.4.0", ""), ("10.5.0", "says tensorrt 10.4.0.26")])
def test_check_asks_a_plan_what_it_is(farm: Farm, tmp_path: Path, version: str, told: str) -> None:
    plan = bytes.fromhex("66747274 00000000 01000000 00000000 1c0a0200 00000000 0a04001a 66747274") + bytes(64)
    (tmp_path / "engine.plan").write_bytes(plan)
    wanted = EngineRequirement("tensorrt", version, "linux-x86_64", GpuClass("NVIDIA L40", "8.9"), ("8.9",))
    write_manifest(tmp_path, manifest((file_ref(tmp_path / "engine.plan"),), requirement=wanted))
    *refusals, last = farm("check", tmp_path).lines
    assert any(f"needs tensorrt {version}, this device has none" in line for line in refusals)
    assert (told in last) if told else ("the plan itself" not in last)


def test_check_sees_damage(farm: Farm, folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"x" * (folder / "model.onnx").stat().st_size)
    told = farm("check", folder)
    assert (told.code, "damaged" in told.err) == (9, True)


def test_run_shows_and_writes_what_comes_out(farm: Farm, folder: Path, tmp_path: Path) -> None:
    given, out = tmp_path / "in.npz", tmp_path / "out.npz"
    images = np.linspace(-1, 1, 768, dtype=np.float32).reshape(1, 3, 16, 16)
    save_arrays(given, {"images": images})
    told = farm("run", folder, "--input", given, "-o", out)
    assert told.code == 0, told.err
    with open_engine(folder, here()) as engine:
        expected = engine.run({"images": images})
    for name, array in expected.items():
        np.testing.assert_array_equal(load_arrays(out)[name], array)
        assert name in told.out
    same = [farm("run", folder, "--seed", seed, "--json").out for seed in (1, 1, 2)]
    assert same[0] == same[1] != same[2]


def test_run_takes_files_of_every_form(farm: Farm, folder: Path, tmp_path: Path) -> None:
    images = np.linspace(-1, 1, 768, dtype=np.float32).reshape(1, 3, 16, 16)
    np.save(tmp_path / "in.npy", images)
    images.tofile(tmp_path / "in.raw")
    logits = [tmp_path / f"{form}.npy" for form in ("npy", "raw")]
    for form, out in zip(("npy", "raw"), logits):
        told = farm("run", folder, "-i", f"images={tmp_path}/in.{form}", "-o", f"logits={out}", "--json")
        assert json.loads(told.out)["files"] == [f"logits={out}"]
    np.testing.assert_array_equal(np.load(logits[0]), np.load(logits[1]))


def test_run_takes_a_folder_of_inputs_through_several_contexts(farm: Farm, folder: Path, tmp_path: Path) -> None:
    given, out = tmp_path / "in", tmp_path / "out"
    given.mkdir()
    generator = np.random.default_rng(0)
    inputs = {f"{index}.npz": generator.standard_normal((1, 3, 16, 16)).astype(np.float32) for index in range(6)}
    for name, images in inputs.items():
        save_arrays(given / name, {"images": images})
    told = farm("run", folder, "-i", given, "-o", out, "--infStreams", "3", "--json")
    assert told.code == 0, told.err
    assert [item["name"] for item in json.loads(told.out)["samples"]] == sorted(inputs)
    with open_engine(folder, here()) as engine:
        for name, images in inputs.items():
            expected = engine.run({"images": images})["logits"]
            np.testing.assert_allclose(load_arrays(out / name)["logits"], expected, rtol=1e-5, atol=1e-6)
    assert "0.npz" in farm("run", folder, "-i", given).out
    for wrong in (["-i", given, "-i", given], ["--infStreams", "2"], ["-i", out / "0.npz", "--infStreams", "2"]):
        assert farm("run", folder, *wrong).code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--value", "other=1"], "the engine has no input 'other'. Its inputs are images."),
        (["--shapes", "images:1x3x9x9"], "the engine takes 1x3x16x16"),
        (["--input", "none.npz"], "there is no file none.npz"),
        (["--input", "other=none.npy"], "the engine has no input 'other'. Its inputs are images."),
        (["-o", "/nowhere/out.npz"], "cannot write /nowhere/out.npz"),
        (["-o", "logit=out.npy"], "the engine has no output 'logit'"),
    ],
)
def test_a_run_that_cannot_be_is_code_2(farm: Farm, folder: Path, arguments: list, said: str) -> None:  # type: ignore[type-arg]
    told = farm("run", folder, *arguments)
    assert (told.code, told.out) == (2, "")
    assert said in told.err


def test_bench_measures(farm: Farm, folder: Path) -> None:
    quick = ("--warmUp", "10", "--duration", "0.2", "--max-cv", "1000")
    told = farm("bench", folder, *quick)
    assert told.code == 0, told.err
    assert [line.split()[0] for line in told.lines[:6]] == ["p50", "p90", "p95", "p99", "mean", "throughput"]
    report = json.loads(farm("bench", folder, *quick, "--iterations", "50", "--json").out)
    assert report["iterations"] >= 50
    assert report["latency"]["median_ms"] > 0


def test_a_measurement_that_spreads_is_code_5(farm: Farm, folder: Path) -> None:
    told = farm("bench", folder, "--warmUp", "0", "--duration", "0.05", "--max-cv", "0.000001", "--json")
    assert told.code == 5
    assert json.loads(told.out)["latency"] is None


def test_verify_judges(farm: Farm, folder: Path, tmp_path: Path) -> None:
    inputs, right, wrong = (tmp_path / f"{name}.npz" for name in ("inputs", "right", "wrong"))
    images = np.random.default_rng(0).standard_normal((1, 3, 16, 16)).astype(np.float32)
    save_arrays(inputs, {"images": images})
    with open_engine(folder, here()) as engine:
        outputs = engine.run({"images": images})
    save_arrays(right, outputs)
    save_arrays(wrong, {name: array + 1 for name, array in outputs.items()})
    told = farm("verify", folder, "--loadInputs", inputs, "--loadRefOutputs", right)
    assert (told.code, "passed against right.npz" in told.out) == (0, True)
    told = farm("verify", folder, "--load-inputs", inputs, "--load-ref-outputs", wrong)
    assert (told.code, "failed" in told.out) == (3, True)
    loose = farm("verify", folder, "--loadInputs", inputs, "--loadRefOutputs", wrong, "--atol", "2", "--json")
    assert (loose.code, json.loads(loose.out)["verdict"]) == (0, "passed")
    assert farm("verify", folder, "--loadRefOutputs", right).code == 2
