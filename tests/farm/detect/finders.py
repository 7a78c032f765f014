"""Small networks whose answers are known: they find the red and the green rectangle of a picture, and nothing else.

Red is class 0, green class 1. Each kind of network is written as its real ones answer.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from farm.protocol.detection import Detection
from farm.protocol.model import FileRef
from farm.protocol.options import BuildOptions
from farm.protocol.requirement import requirement_from_target
from farm.protocol.target import targets_from_facts
from farm.runtime.bundle import write_manifest

from ..cli.engines import here
from ..samples import key, manifest

LABELS = ("red thing", "green thing")
# What the networks answer of a rectangle that is there; where there is none it is far less.
SURE = 0.9
_FAR = 1e6

Axes = Sequence[Any]


class _Graph:
    def __init__(self) -> None:
        self.nodes: List[Any] = []
        self.weights: List[Any] = []

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        name = f"weight_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name


def _rectangles(graph: _Graph, images: str) -> Tuple[str, str, str]:
    """Corners (N x 2 x 4) in pixels, whether they are there (N x 2 x 1), and the size of the input (4 numbers)."""
    weights = np.array([[1, -1, -1], [-1, 1, -1]], np.float32).reshape(2, 3, 1, 1)
    mask = graph.op("Greater", graph.op("Conv", images, graph.constant(weights)), graph.constant(1e-3))
    mask = graph.op("Cast", mask, to=TensorProto.FLOAT)
    shape = graph.op("Shape", images)
    corners, sides = [], []
    for axis, other in ((3, 2), (2, 3)):
        along = graph.op("ReduceMax", mask, axes=[other], keepdims=0)
        side = graph.op("Gather", shape, graph.constant(axis, np.int64))
        places = graph.op("Range", graph.constant(0, np.int64), side, graph.constant(1, np.int64))
        places = graph.op("Cast", places, to=TensorProto.FLOAT)
        absent = graph.op("Mul", graph.op("Sub", graph.constant(1), along), graph.constant(_FAR))
        least = graph.op("ReduceMin", graph.op("Add", graph.op("Mul", places, along), absent), axes=[2])
        after = graph.op("Add", places, graph.constant(1))
        corners.append((least, graph.op("ReduceMax", graph.op("Mul", after, along), axes=[2])))
        sides.append(graph.op("Reshape", graph.op("Cast", side, to=TensorProto.FLOAT), graph.constant([1], np.int64)))
    (left, right), (top, bottom) = corners
    there = graph.op("Squeeze", graph.op("ReduceMax", mask, axes=[2, 3]), graph.constant([3], np.int64))
    boxes = graph.op("Mul", graph.op("Concat", left, top, right, bottom, axis=2), there)
    return boxes, there, graph.op("Concat", *sides, *sides, axis=0)


def _centred(graph: _Graph, corners: str) -> str:
    to_centre = np.array([[0.5, 0, -1, 0], [0, 0.5, 0, -1], [0.5, 0, 1, 0], [0, 0.5, 0, 1]])
    return graph.op("MatMul", corners, graph.constant(to_centre))


def _detr(graph: _Graph, corners: str, there: str, size: str) -> Dict[str, str]:
    """A softmax over two classes and nothing."""
    share = np.log(np.array([[SURE, 0.06, 0.04], [0.06, SURE, 0.04]]))
    nothing = np.log(np.array([[0.01, 0.01, 0.98]] * 2))
    present = graph.op("Mul", there, graph.constant(share))
    absent = graph.op("Mul", graph.op("Sub", graph.constant(1), there), graph.constant(nothing))
    boxes = graph.op("Div", _centred(graph, corners), size)
    return {"classes": graph.op("Add", present, absent), "boxes": boxes}


def _deformable(graph: _Graph, corners: str, there: str, size: str) -> Dict[str, str]:
    """A sigmoid for each class."""
    sure = float(np.log(SURE / (1 - SURE)))
    known = graph.op("Mul", there, graph.constant([[sure + 8, 0], [0, sure + 8]]))
    return {
        "boxes": graph.op("Div", _centred(graph, corners), size),
        "classes": graph.op("Sub", known, graph.constant(8)),
    }


def _places(graph: _Graph, corners: str, there: str, classes: Any) -> str:
    """Each rectangle twice, the second time a little aside and less sure."""
    centred = _centred(graph, corners)
    aside = graph.op("Add", centred, graph.constant([1, 1, 0, 0]))
    rows = []
    for boxes, sure in ((centred, SURE), (aside, 0.6)):
        rows.append(graph.op("Concat", boxes, graph.op("Mul", there, graph.constant(classes * sure)), axis=2))
    return graph.op("Concat", *rows, axis=1)


def _yolov5(graph: _Graph, corners: str, there: str, size: str) -> Dict[str, str]:
    return {"detections": _places(graph, corners, there, np.array([[1, 1 / SURE, 0], [1, 0, 1 / SURE]]))}


def _yolov8(graph: _Graph, corners: str, there: str, size: str) -> Dict[str, str]:
    return {"output0": graph.op("Transpose", _places(graph, corners, there, np.eye(2)), perm=[0, 2, 1])}


def _mask_rcnn(graph: _Graph, corners: str, there: str, size: str) -> Dict[str, str]:
    scores = graph.op("Mul", graph.op("Squeeze", there, graph.constant([2], np.int64)), graph.constant(SURE))
    shape = graph.op("Shape", scores)
    classes = graph.op("Expand", graph.constant([[0, 1]], np.int64), shape)
    return {"boxes": corners, "classes": classes, "scores": scores}


_WRITERS: Mapping[str, Callable[[_Graph, str, str, str], Dict[str, str]]] = {
    "deformable-detr": _deformable,
    "detr": _detr,
    "mask-rcnn": _mask_rcnn,
    "yolov5": _yolov5,
    "yolov8": _yolov8,
}
KINDS = tuple(_WRITERS)


def network(kind: str, shape: Axes = (1, 3, 96, 128)) -> Any:
    """The ONNX model; names in the shape are axes of any size. It takes colours from 0 to 1."""
    graph = _Graph()
    outputs = _WRITERS[kind](graph, *_rectangles(graph, "images"))
    for name, value in outputs.items():
        graph.nodes.append(helper.make_node("Identity", [value], [name]))
    types = {"classes": TensorProto.INT64} if kind == "mask-rcnn" else {}
    made = helper.make_graph(
        graph.nodes,
        "finder",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, list(shape))],
        [helper.make_tensor_value_info(name, types.get(name, TensorProto.FLOAT), None) for name in outputs],
        graph.weights,
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def engine(
    folder: Path,
    model: Any,
    detection: Optional[Detection] = None,
    options: Optional[BuildOptions] = None,
) -> Path:
    """A folder as `farm fetch` writes it, with the model as an engine of ONNX Runtime for this processor."""
    content = model.SerializeToString()
    target = next(item for item in targets_from_facts(here()) if item.backend == "onnxruntime")
    file = FileRef("model.onnx", len(content), hashlib.sha256(content).hexdigest())
    built = replace(key(target=target), options=options or BuildOptions())
    told = {"key": built, "requirement": requirement_from_target(target), "detection": detection}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(content)
    write_manifest(folder, manifest((file,), **told))
    return folder
