"""Devices that are not here: their recorded facts are registered, and a plan says what each would get."""

from __future__ import annotations

from pathlib import Path

import pytest

from .live import Live

FACTS = Path(__file__).parents[1] / "data" / "facts"


@pytest.fixture(scope="module")
def recorded(coordinator: Live) -> Live:
    """A coordinator that knows a Xavier and a V100 by their facts alone."""
    for name in ("xavier", "v100"):
        told = coordinator("devices", "add", "--facts", FACTS / f"{name}.json")
        assert (told.code, told.err) == (0, f"{name}-1: recorded\n")
    return coordinator


def test_recorded_devices_are_listed_as_such(recorded: Live) -> None:
    devices = {item["name"]: item for item in recorded.json("devices", "list")["devices"]}
    assert {name: item["state"] for name, item in devices.items()} == {"xavier-1": "recorded", "v100-1": "recorded"}
    xavier = devices["xavier-1"]["facts"]
    assert (xavier["jetpack"][0], xavier["cuda"], xavier["platform"]) == ("5", "11.4", "linux-aarch64")
    assert [item["compute_capability"] for item in xavier["gpus"]] == ["7.2"]
    assert [line.split()[:2] for line in recorded("devices").lines[1:]] == [
        ["v100-1", "recorded"],
        ["xavier-1", "recorded"],
    ]
    shown = recorded("devices", "show", "xavier-1").out
    for words in ("state             recorded", "tensorrt 8.5.2.2", "L4T 35", "nvcc 11.4.315"):
        assert words in shown


def test_a_plan_tells_both_generations_apart(recorded: Live, silero: Path) -> None:
    told = recorded("plan", silero / "silero_vad.onnx", "--targets", "xavier,v100", "--precision", "fp16")
    assert told.code == 0, told.err
    head, xavier, v100, _, _, xavier_tools, v100_tools = told.lines
    assert head.split() == ["WORD", "TARGET", "PRECISION", "PLUGINS", "KEY", "HIT", "ESTIMATE", "DEVICES"]
    for words in (
        "tensorrt 8.5.2.2",
        "builder flags TF32 and FP16",
        "IPluginV2DynamicExt",
        " miss ",
        "xavier-1 (recorded)",
    ):
        assert words in xavier
    for words in ("tensorrt 10.4.0", "builder flags TF32 and FP16", "IPluginV3", " miss ", "v100-1 (recorded)"):
        assert words in v100
    assert "nvcc 11.4.315" in xavier_tools
    assert "cuda 11.4" in xavier_tools
    assert "nvcc 12.6.85" in v100_tools
    assert "only recorded facts are known" in told.err


def test_the_same_plan_in_json(recorded: Live, silero: Path) -> None:
    plan = recorded.json("plan", silero / "silero_vad.onnx", "-t", "xavier,v100")
    assert plan["name"] == "silero_vad"
    assert [(row["word"], row["hit"], row["recorded"], row["devices"]) for row in plan["rows"]] == [
        ("xavier", "miss", ["xavier-1"], []),
        ("v100", "miss", ["v100-1"], []),
    ]
    assert len({row["key"] for row in plan["rows"]}) == 2
    assert plan["rows"][0]["request_key"]["target"]["toolchain"]["nvcc"] == "11.4.315"


def test_each_precision_changes_the_key_and_says_how(recorded: Live, silero: Path) -> None:
    model, found = silero / "silero_vad.onnx", {}
    for precision in ("fp32", "fp16", "int8", "best"):
        (row,) = recorded.json("plan", model, "-t", "v100", "--precision", precision)["rows"]
        found[precision] = row["key"]
        assert row["precision_mechanism"]
    assert len(set(found.values())) == len(found)


def test_what_a_card_cannot_do_is_refused_by_its_name(recorded: Live, silero: Path) -> None:
    told = recorded("plan", silero / "silero_vad.onnx", "-t", "xavier", "--precision", "fp8")
    assert told.code == 2
    assert " refused " in told.lines[1]
    assert "xavier: TensorRT 8.5.2.2 cannot build --precision fp8: it begins with TensorRT 10" in told.err


def test_a_submit_to_a_recorded_device_is_code_6(recorded: Live, silero: Path) -> None:
    told = recorded("submit", silero / "silero_vad.onnx", "-t", "xavier")
    assert (told.code, told.out) == (6, "")
    assert told.err.splitlines()[-1].startswith("error: 'xavier' is served only by recorded devices (xavier-1). Start")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("cpu", "no device of this farm is a cpu"),
        ("xaver", "Did you mean xavier"),
        ("sm>=120", "no device matches 'sm>=120'"),
        ("sm>>8", "Write for instance sm>=80"),
    ],
)
def test_words_that_select_nothing(recorded: Live, silero: Path, words: str, said: str) -> None:
    told = recorded("plan", silero / "silero_vad.onnx", "-t", words)
    assert told.code == (2 if ">>" in words else 6)
    assert len(told.err.splitlines()) == 1
    assert said in told.err


def test_a_filter_and_all_reach_every_device(recorded: Live, silero: Path) -> None:
    model = silero / "silero_vad.onnx"
    assert len(recorded.json("plan", model, "-t", "all")["rows"]) == 2
    (row,) = recorded.json("plan", model, "-t", "sm>=70,mem>=16GiB,platform=linux-x86_64")["rows"]
    assert row["gpu"] == "Tesla V100-SXM2-32GB"


def test_both_shape_spellings_and_both_option_spellings_are_one_key(recorded: Live, silero: Path) -> None:
    model = silero / "silero_vad.onnx"
    spelled = [
        ["--minShapes", "input:1x576,state:2x1x128", "--maxShapes", "input:4x576,state:2x4x128"],
        ["--min-shapes", "input:[1,576],state:[2,1,128]", "--max-shapes", "input:[4,576],state:[2,4,128]"],
        ["--minShapes=input:1x576,state:2x1x128", "--maxShapes=input:[4,576],state:2x4x128"],
        [*["--optShapes", "input:4x576,state:2x4x128"], *["--min-shapes", "input:1x576,state:2x1x128"]],
    ]
    keys = {recorded.json("plan", model, "-t", "v100", *options)["rows"][0]["key"] for options in spelled}
    assert len(keys) == 1
