"""The walker against files that the real ONNX library writes, and against every kind of damage."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import List, Tuple

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from farm.onnxfile import external_files
from farm.onnxsummary import OnnxSummary, declared_inputs, element_types, summary
from farm.protocol.errors import Invalid
from farm.protocol.inputs import DeclaredInput


def _tensor(name: str, location: str, length: int = 0, offset: int = 0) -> TensorProto:
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[length // 4])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", str(offset)), ("length", str(length))):
        tensor.external_data.add(key=key, value=value)
    return tensor


def _model(*tensors: TensorProto) -> onnx.ModelProto:
    """A graph whose weights lie in the main graph, in a constant, in a branch and in a sparse tensor, in turn."""
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    flag = numpy_helper.from_array(np.array(True), "flag")
    branches = {}
    for branch in ("then_branch", "else_branch"):
        constant = helper.make_node("Constant", [], ["c"], value=_pick(tensors, 1))
        body = [constant, helper.make_node("Relu", ["x"], ["z"])]
        out = [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)]
        branches[branch] = helper.make_graph(body, branch, [], out, [_pick(tensors, 2)])
    node = helper.make_node("If", ["flag"], ["y"], **branches)
    graph = helper.make_graph([node], "g", inputs, outputs, [flag, _pick(tensors, 0)])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10, producer_name="test")


def _pick(tensors: Tuple[TensorProto, ...], index: int) -> TensorProto:
    return tensors[index % len(tensors)] if tensors else numpy_helper.from_array(np.ones(4, np.float32), f"w{index}")


def _write(folder: Path, model: onnx.ModelProto) -> Path:
    path = folder / "m.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def test_a_model_without_external_data_is_one_file(tmp_path: Path) -> None:
    assert external_files(_write(tmp_path, _model())) == ()


def test_locations_are_found_in_every_corner_once_and_sorted(tmp_path: Path) -> None:
    for name in ("b.bin", "a.bin", "c.bin"):
        (tmp_path / name).write_bytes(bytes(64))
    path = _write(
        tmp_path, _model(_tensor("b", "b.bin", 64), _tensor("a", "./a.bin", 16, 48), _tensor("c", "c.bin", 4))
    )
    assert [(item.name, item.size_bytes) for item in external_files(path)] == [
        ("a.bin", 64),
        ("b.bin", 64),
        ("c.bin", 64),
    ]


def test_what_the_onnx_library_saves_is_read(tmp_path: Path) -> None:
    model = _model(numpy_helper.from_array(np.arange(4096, dtype=np.float32), "w"))
    onnx.save(model, str(tmp_path / "m.onnx"), save_as_external_data=True, location="w.data", size_threshold=16)
    (found,) = external_files(tmp_path / "m.onnx")
    assert (found.name, found.path) == ("w.data", tmp_path / "w.data")


@pytest.mark.parametrize("location", ["../w.bin", "/etc/passwd", "a/../../w.bin", "a\\w.bin", "c:w.bin", "..", "."])
def test_a_location_outside_of_the_folder_is_refused(tmp_path: Path, location: str) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "w.bin").write_bytes(bytes(64))
    with pytest.raises(Invalid, match="leaves the folder"):
        external_files(_write(tmp_path / "inside", _model(_tensor("w", location, 64))))


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "secret").write_bytes(bytes(64))
    (tmp_path / "inside" / "w.bin").symlink_to(tmp_path / "secret")
    with pytest.raises(Invalid, match="link that leaves"):
        external_files(_write(tmp_path / "inside", _model(_tensor("w", "w.bin", 64))))


def test_a_link_inside_the_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.bin").write_bytes(bytes(64))
    (tmp_path / "w.bin").symlink_to(tmp_path / "real.bin")
    assert len(external_files(_write(tmp_path, _model(_tensor("w", "w.bin", 64))))) == 1


def test_missing_short_and_odd_weights_are_told_apart(tmp_path: Path) -> None:
    path = _write(tmp_path, _model(_tensor("w", "w.bin", 64)))
    with pytest.raises(Invalid, match=r"needs w\.bin, which cannot be read"):
        external_files(path)
    (tmp_path / "w.bin").write_bytes(bytes(63))
    with pytest.raises(Invalid, match="cut off: 63 bytes of 64"):
        external_files(path)
    (tmp_path / "w.bin").unlink()
    (tmp_path / "w.bin").mkdir()
    with pytest.raises(Invalid, match="not a file"):
        external_files(path)


def test_a_name_too_long_for_the_file_system_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot be read"):
        external_files(_write(tmp_path, _model(_tensor("w", "w" * 400, 64))))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"import torch\n", "not an ONNX file"),
        (b"PK\x03\x04" + bytes(100), "not an ONNX file"),
        (bytes(1000), "not an ONNX file"),
        (b"\x08\x0a", "has no graph"),
        (b"\x0a\x03abc", "another type"),
    ],
)
def test_other_files_are_refused_in_one_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    with pytest.raises(Invalid, match=said):
        external_files(path)


def test_a_file_cut_anywhere_in_its_graph_is_called_cut_off(tmp_path: Path) -> None:
    whole = _model(numpy_helper.from_array(np.ones(1000, np.float32), "w")).SerializeToString()
    path = tmp_path / "m.onnx"
    for size in (100, len(whole) // 2, len(whole) - 20):
        path.write_bytes(whole[:size])
        with pytest.raises(Invalid, match="is cut off"):
            external_files(path)


def test_a_missing_file_and_a_folder_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="No such file"):
        external_files(tmp_path / "none.onnx")
    with pytest.raises(Invalid, match="directory"):
        external_files(tmp_path)


def test_nesting_without_end_is_refused(tmp_path: Path) -> None:
    graph = b""
    for _ in range(400):
        attribute = b"\x32" + _length(len(graph)) + graph
        node = b"\x2a" + _length(len(attribute)) + attribute
        graph = b"\x0a" + _length(len(node)) + node
    path = tmp_path / "m.onnx"
    path.write_bytes(b"\x08\x0a\x3a" + _length(len(graph)) + graph)
    with pytest.raises(Invalid, match="nested deeper"):
        external_files(path)


def _length(size: int) -> bytes:
    out = bytearray()
    while size >= 0x80:
        out.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes(out) + bytes([size])


_VALID = _model(_tensor("b", "b.bin", 64), _tensor("a", "a.bin", 16), _tensor("c", "c.bin", 4)).SerializeToString()
_quick = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _only_invalid(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    for read in (external_files, summary):
        with suppress(Invalid):
            read(path)


@_quick
@given(st.binary(max_size=200))
def test_any_bytes_give_a_result_or_invalid(tmp_path: Path, content: bytes) -> None:
    _only_invalid(tmp_path / "m.onnx", content)


@_quick
@given(st.lists(st.tuples(st.integers(0, len(_VALID) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_any_changed_bytes_give_a_result_or_invalid(tmp_path: Path, changes: List[Tuple[int, int]]) -> None:
    content = bytearray(_VALID)
    for position, value in changes:
        content[position] = value
    _only_invalid(tmp_path / "m.onnx", bytes(content))


@_quick
@given(st.integers(0, len(_VALID)), st.binary(max_size=40), st.integers(0, len(_VALID)))
def test_any_splice_gives_a_result_or_invalid(tmp_path: Path, start: int, middle: bytes, end: int) -> None:
    _only_invalid(tmp_path / "m.onnx", _VALID[:start] + middle + _VALID[end:])


def test_the_summary_says_what_the_library_says(tmp_path: Path) -> None:
    found = summary(_write(tmp_path, _model()))
    assert found == OnnxSummary(
        ir_version=10,
        producer="test",
        opsets={"ai.onnx": 18},
        inputs=found.inputs,
        outputs=found.outputs,
        operators={"Constant": 2, "Relu": 2, "If": 1},
        parameters=1 + 5 * 4,
        size_bytes=(tmp_path / "m.onnx").stat().st_size,
    )
    assert [str(item) for item in found.inputs + found.outputs] == ["x: float32 [batch, 3]", "y: float32 any shape"]


def test_types_of_weights_and_values_are_found_without_the_library(tmp_path: Path) -> None:
    model = _model(numpy_helper.from_array(np.ones(4, np.float16), "w"))
    model.graph.value_info.append(helper.make_tensor_value_info("between", TensorProto.BFLOAT16, [1]))
    assert {"float16", "bfloat16", "float32"} <= element_types(_write(tmp_path, model))
    assert not {"float16", "bfloat16"} & element_types(_write(tmp_path, _model()))


def test_a_sparse_file_of_five_gigabytes_is_walked_in_constant_memory(tmp_path: Path) -> None:
    """The weights are a hole in the file: nothing of them may be read."""
    size = 5 << 30
    raw = b"\x4a" + _length(size)
    tensor = b"\x2a" + _length(len(raw) + size) + raw
    path = tmp_path / "big.onnx"
    path.write_bytes(b"\x08\x0a\x3a" + _length(len(tensor) + size) + tensor)
    with path.open("r+b") as stream:
        stream.truncate(path.stat().st_size + size)
    code = (
        "import re, sys; from farm.onnxfile import external_files; assert external_files(sys.argv[1]) == ();"
        "print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read()).group(1))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], check=True, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert int(done.stdout) < 100 * 1024


def test_inputs_are_declared_without_those_that_an_initializer_fills(tmp_path: Path) -> None:
    value = helper.make_tensor_value_info
    inputs = [
        value("x", TensorProto.FLOAT, ["batch", 3, None, -1]),
        value("w", TensorProto.FLOAT, [2]),
        value("rate", TensorProto.INT64, []),
        value("odd", TensorProto.FLOAT, None),
    ]
    nodes = [helper.make_node("Identity", ["x"], ["y"])]
    outputs = [value("y", TensorProto.FLOAT, None)]
    filled = numpy_helper.from_array(np.ones(2, np.float32), "w")
    path = _write(tmp_path, helper.make_model(helper.make_graph(nodes, "g", inputs, outputs, [filled])))
    assert declared_inputs(path) == (
        DeclaredInput("x", ("batch", 3, "?", "-1")),
        DeclaredInput("rate", ()),
        DeclaredInput("odd", None),
    )
    assert str(declared_inputs(path)[0]) == "x [batch, 3, ?, ?]"
