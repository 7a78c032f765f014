"""The timeline: its cuts, and that the functions it tells of are there."""

from __future__ import annotations

import json
from functools import reduce
from importlib import import_module
from pathlib import Path

import pytest

from .points import POINTS
from .slices import Span, slices
from .spans import Recorder
from .summary import overhead, summary, told

_NOT_HERE = ("tensorrt", "tensorrt_rtx")


@pytest.mark.parametrize("module", [name for name in POINTS if name not in _NOT_HERE])
def test_what_is_told_of_exists(module: str) -> None:
    for point in POINTS[module]:
        assert callable(reduce(getattr, point.split("."), import_module(module)))


def _span(name: str, began_s: float, ended_s: float, process: str = "host", thread: str = "slot-0") -> Span:
    return Span(process, thread, name, began_s, ended_s)


def test_each_moment_belongs_to_the_innermost_work_and_a_gap_to_what_was_before() -> None:
    spans = [
        _span("deliver", 1.0, 4.0),
        _span("upload", 2.0, 3.0),
        _span("POST /claims", 0.0, 6.0),
        _span("stream", 0.0, 6.0, thread="hold-att-1"),
    ]
    found = slices(spans, 0.0, 5.0)
    seen = [(item.took_s, item.span and item.span.name, item.idle) for item in found]
    assert seen == [
        (1.0, None, True),
        (1.0, "deliver", False),
        (1.0, "upload", False),
        (1.0, "deliver", False),
        (1.0, "deliver", True),
    ]
    assert sum(item.took_s for item in found) == 5.0
    assert "... after deliver" in told(found, 0.0)


def test_overhead_is_what_neither_the_builder_nor_a_bare_script_takes() -> None:
    spans = [
        _span("start of Python", 2.0, 2.1, "child host"),
        _span("go_on", 2.5, 2.5),
        _span("wait", 2.5, 5.0),
        _span("start of Python", 6.0, 6.1, "child device"),
        _span("go_on", 6.2, 6.5, "card"),
        _span("build_serialized_network", 7.0, 17.0, "child device"),
        _span("_measure", 17.0, 20.0, "child device"),
        _span("wait", 6.5, 20.5, "card"),
    ]
    row = summary(spans, 21.0)
    assert row == {
        "wall_s": 21.0,
        "preparing_s": 2.5,
        "building_s": 14.0,
        "builder_s": 10.0,
        "proof_s": 3.0,
        "beside_children_s": 4.5,
    }
    assert overhead(row, {"wall_s": 12.0, "builder_s": 11.0}) == {"farm_s": 5.5, "bare_s": 1.0, "overhead_s": 4.5}


def test_a_recorded_function_and_a_recorded_block_tell_their_spans(tmp_path: Path) -> None:
    from farm.client import transport

    recorder = Recorder(str(tmp_path / "spans.jsonl"), "command")

    class Owner:
        def read(self, path: Path) -> str:
            return path.name

        stream = transport.Transport.stream

    recorder.wrap(Owner, "read")
    recorder.wrap(Owner, "stream")
    assert Owner().read(tmp_path / "model.onnx") == "model.onnx"
    with pytest.raises(AttributeError), Owner().stream("GET", "/devices"):  # type: ignore[misc]  # has no timeout_s
        pass
    lines = [json.loads(line) for line in (tmp_path / "spans.jsonl").read_text().splitlines()]
    assert [(item["process"], item["name"]) for item in lines] == [
        ("command", "read model.onnx"),
        ("command", "GET /devices"),
    ]
