from __future__ import annotations

import json
from pathlib import Path

import pytest

from farm.protocol.errors import Invalid
from farm.runtime.layerfile import LAYERS_FILE, packed, read_layers, unpacked

LAYERS = [
    {"name": "conv1", "operator": "Convolution", "types": "fp16", "details": {"TacticName": "sm90"}},
    {"name": "copy", "operator": "Reformat", "types": "fp32 to fp16", "details": {}},
]


def test_what_is_known_comes_back_slowest_first(tmp_path: Path) -> None:
    timed = [
        {"name": "copy", "operator": "", "mean_ms": 0.5, "share": 0.25},
        {"name": "conv1", "operator": "", "mean_ms": 1.2, "share": 0.6},
        {"name": "inside", "operator": "", "mean_ms": 0.3, "share": 0.15},
    ]
    (tmp_path / LAYERS_FILE).write_bytes(packed("TensorRT", LAYERS, timed))
    source, layers = read_layers(tmp_path)
    assert source == "TensorRT"
    assert [(layer["name"], layer["operator"], layer["mean_ms"]) for layer in layers] == [
        ("conv1", "Convolution", 1.2),
        ("copy", "Reformat", 0.5),
        ("inside", "", 0.3),
    ]
    assert layers[0]["details"] == {"TacticName": "sm90"}


def test_layers_that_were_not_timed_keep_their_order() -> None:
    assert [layer["name"] for layer in unpacked(packed("TensorRT", LAYERS))[1]] == ["conv1", "copy"]


def test_a_long_file_loses_details_and_then_layers() -> None:
    bulky = [{**LAYERS[0], "name": f"conv{number}", "details": {"text": "x" * 3000}} for number in range(2000)]
    written = packed("TensorRT", bulky)
    assert len(written) < 4 << 20
    assert json.loads(written)["left_out"] == 0
    assert "details" not in unpacked(written)[1][1999]

    many = [{**LAYERS[0], "name": f"{number}-{'n' * 4000}"} for number in range(3000)]
    written = packed("TensorRT", many)
    told = json.loads(written)
    assert 3 << 20 < len(written) <= 4 << 20
    assert len(told["layers"]) + told["left_out"] == 3000


def test_no_file_is_no_layers_and_a_wrong_one_is_told(tmp_path: Path) -> None:
    assert read_layers(tmp_path) == ("", ())
    for wrong in (
        b"no",
        b"[]",
        b'{"source": "x", "layers": [1]}',
        b'{"source": "x", "layers": [{"name": "a", "mean_ms": "long"}]}',
    ):
        (tmp_path / LAYERS_FILE).write_bytes(wrong)
        with pytest.raises(Invalid, match="cannot be read"):
            read_layers(tmp_path)
