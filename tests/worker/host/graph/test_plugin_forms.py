"""Operators of ONNX as plugins, and back; the twins of the plugins compute them here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper

from worker.host.graph.walk import histogram

from .stepping import Net, same, stepped

DRAW = np.random.default_rng(3)
CORNERS = DRAW.random((2, 12, 2), np.float32)
BOXES = np.concatenate([CORNERS, CORNERS + 0.05 + DRAW.random((2, 12, 2), np.float32)], -1)
SCORES = DRAW.random((2, 3, 12), np.float32)
DATA = np.arange(12, dtype=np.float32).reshape(4, 3)


def scatter(kind: str, **attributes: Any) -> Net:
    node = helper.make_node(kind, ["data", "places", "updates"], ["y"], **attributes)
    places = np.array([[2], [0]], np.int64 if kind == "ScatterND" else np.int32)
    given = {"data": DATA, "updates": -np.ones((2, 3), np.float32)}
    return Net([node], given, {"places": places}, {"y": "float32"})


def suppression(**limits: Any) -> Net:
    node = helper.make_node("NonMaxSuppression", ["boxes", "scores", *limits], ["y"])
    weights = {name: np.array([limit]) for name, limit in limits.items()}
    return Net([node], {"boxes": BOXES, "scores": SCORES}, weights, {"y": "int64"})


def test_a_scatter_is_the_plugin_and_back(tmp_path: Path) -> None:
    native, plugin = scatter("ScatterND"), scatter("FarmScatterND", domain="farm.plugin")
    forth, back = stepped(native, "to_plugins"), stepped(plugin, "to_native")
    assert histogram(forth) == {"Cast": 1, "farm.plugin::FarmScatterND": 1}
    assert histogram(back) == {"Cast": 1, "ScatterND": 1}
    same(native, forth, tmp_path)
    same(plugin, back, tmp_path)


def test_a_scatter_that_adds_up_is_no_plugin() -> None:
    one = scatter("ScatterND", reduction="add")
    assert stepped(one, "to_plugins") == one.model()


@pytest.mark.parametrize(
    "limits",
    [
        {"most": 4, "overlap": np.float32(0.3), "least": np.float32(0.25)},
        {"most": 100, "overlap": np.float32(0.5)},
    ],
    ids=str,
)
def test_a_suppression_by_the_plugin_finds_the_same_boxes(limits: dict[str, Any], tmp_path: Path) -> None:
    one = suppression(**limits)
    changed = stepped(one, "to_plugins")
    assert histogram(changed)["farm.plugin::TRTNonMaxSuppression"] == 1
    same(one, changed, tmp_path)


def test_a_suppression_of_nothing_stays() -> None:
    one = suppression(most=0)
    assert stepped(one, "to_plugins") == one.model()


@pytest.mark.parametrize("most", [0, 3])
def test_a_plugin_of_a_fixed_number_of_rows_is_the_suppression_of_onnx(most: int, tmp_path: Path) -> None:
    attributes: dict[str, Any] = {"max_output_boxes_per_class": most, "iou_threshold": 0.4, "score_threshold": 0.2}
    node = helper.make_node("TRTNonMaxSuppression", ["boxes", "scores"], ["y"], domain="farm.plugin", **attributes)
    one = Net([node], {"boxes": BOXES, "scores": SCORES}, {}, {"y": "int32"})
    changed = stepped(one, "to_native")
    assert "farm.plugin::TRTNonMaxSuppression" not in histogram(changed)
    same(one, changed, tmp_path)
