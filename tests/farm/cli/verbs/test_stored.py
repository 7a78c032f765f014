"""Engines, models, keys, devices, targets, tokens, sweeps: against the double."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from farm.protocol.codec import dumps
from farm.protocol.options import BuildOptions, Precision
from farm.runtime.bundle import write_manifest

from ...double import Double
from ...samples import benchmark, cpu_facts, engine_detail, key, manifest
from ..conftest import Farm


def test_engines_are_listed_shown_pinned_and_removed(farm: Farm, double: Double) -> None:
    head, row = farm("engines", "--gpu", "cpu", "--model", "net").lines
    assert head.split() == ["ENGINE", "MODEL", "TARGET", "PRECISION", "VERDICT", "P50", "P99", "SIZE", "BUILT"]
    assert "eng-1   net    cpu avx512f · onnxruntime 1.31.1  fp32       passed   1.25 ms  1.75 ms  1.0 MiB" in row
    assert farm("engines", "list", "--model", "other").err == "no engines\n"
    shown = farm("engines", "show", "eng-1").out
    for words in ("verified   passed against onnxruntime", "p50 1.25 ms, p99 1.75 ms, 800 /s", "conv1           Conv"):
        assert words in shown
    assert farm("engines", "pin", "eng-1").err == "pinned eng-1 (net, cpu avx512f · onnxruntime 1.31.1)\n"
    assert "pinned" in farm("engines").out
    refused = farm("engines", "rm", "eng-1")
    assert (refused.code, "farm engines unpin eng-1" in refused.err) == (2, True)
    assert json.loads(farm("engines", "unpin", "eng-1", "--json").out)["engines"][0]["pinned"] is False
    assert farm("engines", "rm", "eng-1").code == 0
    assert double.engines == {}


def test_a_key_is_shown_and_two_are_told_apart(farm: Farm, double: Double, tmp_path: Path) -> None:
    other = key(options=BuildOptions(Precision.FP16))
    double.engines["eng-2"] = engine_detail("eng-2", key=other)
    assert "options.precision" in farm("key", "eng-1").out
    assert farm("key", "eng-1", "eng-1").err == f"the same key: {key().digest}\n"
    assert farm("key", "eng-1", "eng-2").lines == [
        "FIELD              eng-1  eng-2",
        "options.precision  fp32   fp16",
    ]
    write_manifest(tmp_path, manifest(key=other))
    told = json.loads(farm("key", "eng-1", tmp_path, "--json").out)
    assert told["differences"] == [{"path": "options.precision", "left": "fp32", "right": "fp16"}]


def test_engines_stand_side_by_side(farm: Farm, double: Double) -> None:
    double.engines["eng-2"] = engine_detail("eng-2", median_ms=1.5)
    double.engines["eng-3"] = engine_detail("eng-3", median_ms=1.26)
    rows = {line.split()[0]: line.split()[1:] for line in farm("compare", "eng-1", "eng-2", "eng-3").lines}
    assert rows["A"] == ["B", "C"]
    assert rows["p50"] == ["1.25", "ms", "1.50", "ms", "1.26", "ms"]
    assert rows["slower"] == ["-", "+20.0", "%", "+0.8", "%,", "within", "the", "spread"]


@pytest.mark.parametrize(("limit", "code"), [("25%", 0), ("5%", 1)])
def test_a_slower_engine_fails_where_a_limit_is_set(farm: Farm, double: Double, limit: str, code: int) -> None:
    double.engines["eng-2"] = engine_detail("eng-2", median_ms=1.5)
    told = farm("compare", "eng-1", "eng-2", "--fail-if-slower", limit, "--json")
    assert told.code == code
    assert json.loads(told.out)["engines"][1]["slower_percent"] == pytest.approx(20)
    assert ("slower than eng-1 by 20.0 %" in told.err) == bool(code)


def test_what_was_too_noisy_cannot_be_compared(farm: Farm, double: Double) -> None:
    noisy = benchmark(latency=None, throughput_per_s=None, noisy=True)
    double.engines["eng-2"] = engine_detail("eng-2", benchmark=noisy)
    assert farm("compare", "eng-1", "eng-2", "--fail-if-slower", "5%").code == 5
    rows = {line.split()[0]: line for line in farm("compare", "eng-1", "eng-2").lines}
    for name in ("p50", "p99", "throughput", "slower"):
        assert rows[name].endswith(" noisy")


def test_a_list_calls_an_engine_noisy_that_has_no_time(farm: Farm, double: Double) -> None:
    view = replace(engine_detail("eng-2").engine, latency_ms=None, p99_ms=None, noisy=True)
    double.engines = {"eng-2": replace(engine_detail("eng-2"), engine=view)}
    (row,) = [line for line in farm("engines", "list").lines if line.startswith("eng-2")]
    assert row.count("noisy") == 2


def test_one_engine_cannot_be_compared(farm: Farm) -> None:
    assert farm("compare", "eng-1").code == 2


def test_models(farm: Farm) -> None:
    assert "net   dddddddddddd  2.0 MiB        1" in farm("models").out
    assert "d" * 64 in farm("models", "net").out
    assert json.loads(farm("models", "--json").out)["models"][0]["name"] == "net"
    assert farm("models", "none").code == 2


def test_devices_are_shown_recorded_and_drained(farm: Farm, double: Double, tmp_path: Path) -> None:
    told = farm("devices")
    assert "here    idle   host, device  cpu avx512f · onnxruntime 1.31.1  cpu, here       0 of 1 busy" in told.out
    assert "AMD EPYC 9654, 8 cores" in farm("devices", "show", "here").out
    facts = tmp_path / "xavier.json"
    facts.write_text(dumps(cpu_facts(hostname="xavier-1", l4t="35.4.1")))
    assert farm("devices", "add", "--facts", facts).err == "xavier-1: recorded\n"
    assert double.devices["xavier-1"].facts.l4t == "35.4.1"
    for verb in ("drain", "undrain", "retire"):
        assert farm("devices", verb, "here", "there").code == 0


@pytest.mark.parametrize("content", ["{}", "nothing", None])
def test_a_file_without_facts_is_refused(farm: Farm, tmp_path: Path, content: str) -> None:
    path = tmp_path / "facts.json"
    if content is not None:
        path.write_text(content)
    told = farm("devices", "add", "--facts", path)
    assert (told.code, "farm doctor --facts" in told.err) == (2, True)


def test_targets(farm: Farm, double: Double) -> None:
    assert farm("targets").lines[1].split()[:2] == ["cpu", "backend=onnxruntime"]
    told = farm("targets", "add", "big", "sm>=80,mem>=16GiB", "--alias", "large,huge")
    assert told.err == "big means sm>=80,mem>=16GiB; served now by here\n"
    assert double.targets["big"].aliases == ("large", "huge")
    assert farm("targets", "rm", "big").code == 0
    assert farm("targets", "rm", "cpu").code == 2
    assert farm("targets", "add", "a/b", "sm>=80").code == 2


def test_tokens_are_shown_once(farm: Farm) -> None:
    made = farm("token", "create", "ci", "--scope", "submit", "--expires", "30d")
    assert made.out == "farm_new-secret\n"
    assert "not shown again" in made.err
    listed = farm("token")
    assert "farm_new-secret" not in listed.out
    assert [line.split()[:3] for line in listed.lines[1:]] == [["tok-1", "me", "admin"], ["tok-2", "ci", "submit"]]
    assert farm("token", "revoke", "tok-2").code == 0
    assert farm("token", "create", "boss", "--scope", "admin").code == 9


def test_a_sweep_says_what_it_would_remove(farm: Farm) -> None:
    assert farm("gc", "--dry-run").out == "would remove 3 files (4.0 KiB) and 1 engines; 1 pinned\n  eng-0\n"
    assert farm("gc").out.startswith("removed 3 files")
