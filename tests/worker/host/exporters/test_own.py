"""Exporters that people write themselves: what happens to their networks on the way to a file."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import onnx
import pytest
from click.testing import CliRunner

from farm.protocol.errors import BuildFailed, Invalid, Unsupported
from tests.e2e.process import ROOT
from tests.support import pytorch
from worker.export import export
from worker.host.exporters.base import Exported, ExportOrder, Size
from worker.host.exporters.table import EXPORTERS, exporter, short_name

pytestmark = pytest.mark.slow

GUIDE = ROOT / "docs" / "graph.md"
OWN = Path(__file__).with_name("own_exporter.py")
Torch = Any


@pytest.fixture(scope="module", autouse=True)
def torch() -> Torch:
    return pytorch.torch(os.environ, exporters=True)


def made(name: str, path: Path, order: ExportOrder | None = None) -> Exported:
    return exporter(f"{OWN}:{name}").export(path, order)


def test_the_command_takes_a_class_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "own.onnx"
    told = CliRunner().invoke(export, [f"{OWN}:Ending", "-o", str(path), "--json"], catch_exceptions=False)
    said = json.loads(told.stdout)
    assert said["exporter"] == "tracer"
    assert said["opset"] == 17
    assert 0 <= said["largest_difference"] < 1e-5
    assert [line.partition(":")[0] for line in said["steps"]] == ["fold", "simplify", "infer_shapes"]
    assert [item.name for item in tmp_path.iterdir()] == ["own.onnx"]
    assert short_name(f"{OWN}:Ending") == "own_exporter"


def test_the_exporter_of_the_documentation_exports(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n([^`]*class MyExporter[^`]*)```", GUIDE.read_text())
    (tmp_path / "my_exporter.py").write_text(code)
    told = exporter(f"{tmp_path / 'my_exporter.py'}:MyExporter").export(tmp_path / "mine.onnx", ExportOrder(batch=2))
    assert told.largest_difference is not None
    shape = onnx.load(str(tmp_path / "mine.onnx")).graph.output[0].type.tensor_type.shape
    assert [axis.dim_value for axis in shape.dim] == [2, 10]


def test_every_exporter_is_documented() -> None:
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| .* \| .* \| .* \|$", GUIDE.read_text(), re.MULTILINE)
    assert set(EXPORTERS) <= set(rows)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (f"{OWN}:Missing", "names no exporter"),
        (f"{OWN}:ExportOrder", "names no exporter"),
        ("nowhere.py:Own", "there is no file nowhere.py"),
    ],
)
def test_a_file_without_the_class_is_refused(name: str, told: str) -> None:
    with pytest.raises(Invalid, match=told):
        exporter(name)


def test_where_the_tracer_cannot_the_other_exporter_writes_the_file_and_it_is_said(tmp_path: Path) -> None:
    told = made("Threshold", tmp_path / "own.onnx", ExportOrder(batch=2))
    assert told.exporter == "torch.export"
    assert len(told.refused) == 1
    assert "ONNX export of operator threshold" in told.refused[0]
    assert told.largest_difference is not None
    model = onnx.load(str(tmp_path / "own.onnx"))
    assert (model.ir_version, model.opset_import[0].version) == (8, 17)
    assert {item.key: item.value for item in model.metadata_props}["exporter"] == "torch.export"


def test_the_tracer_alone_tells_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match=r"cannot export the network\. tracer: .*threshold"):
        made("Threshold", tmp_path / "own.onnx", ExportOrder(tool="tracer"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("tool", ["tracer", "torch.export"])
def test_an_open_batch_is_open_whoever_writes_it(tmp_path: Path, tool: str) -> None:
    made("Ending", tmp_path / "own.onnx", ExportOrder(batch=2, dynamic=True, tool=tool))
    graph = onnx.load(str(tmp_path / "own.onnx")).graph
    assert [value.type.tensor_type.shape.dim[0].dim_param for value in (*graph.input, *graph.output)] == ["batch"] * 2


def test_an_answer_that_shows_nothing_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="the output 'y' of the network is constant"):
        made("Constant", tmp_path / "own.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_graph_that_was_adapted_wrongly_is_seen(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match=r"differs from PyTorch by .* of the output 'y': at \[0, \d"):
        made("Adapted", tmp_path / "own.onnx")
    assert list(tmp_path.iterdir()) == []
    # Unless nobody asks.
    assert made("Adapted", tmp_path / "own.onnx", ExportOrder(check=False)).largest_difference is None


def test_a_precision_is_written_into_the_weights_and_the_loss_is_told(tmp_path: Path) -> None:
    told = made("Ending", tmp_path / "own.onnx", ExportOrder(precision="fp16"))
    assert told.largest_difference is not None
    assert 1e-5 < told.largest_difference < 1e-2
    model = onnx.load(str(tmp_path / "own.onnx"))
    assert {item.data_type for item in model.graph.initializer if len(item.dims) > 1} == {onnx.TensorProto.FLOAT16}
    assert model.graph.output[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT


@pytest.mark.parametrize(
    "order",
    [
        ExportOrder(precision="int8"),
        ExportOrder(refinement=True),
        ExportOrder(form="plugin"),
        ExportOrder(size=Size(31, 32)),
        ExportOrder(tool="magic"),
    ],
)
def test_what_an_exporter_does_not_know_is_refused(tmp_path: Path, order: ExportOrder) -> None:
    with pytest.raises((Invalid, Unsupported)):
        made("Ending", tmp_path / "own.onnx", order)
    assert list(tmp_path.iterdir()) == []
