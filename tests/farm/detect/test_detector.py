"""Networks whose answers are known, through the real ONNX Runtime: boxes must be where the rectangles are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Optional, Tuple

import numpy as np
import onnx
import pytest
from PIL import Image

from farm.detect import Detector, Found, Manner
from farm.detect.kinds import KINDS
from farm.detect.manner import changed
from farm.protocol.detection import Detection
from farm.protocol.errors import Invalid, NumericsFailed
from farm.protocol.options import BuildOptions, ShapeRange

from ..cli.engines import here
from . import finders
from .finders import LABELS, SURE, engine, network
from .scenes import GREEN, RED, SIZE, scene

Box = Tuple[int, int, int, int]


def told(kind: str, fit: str = "stretch") -> Detection:
    return Detection(kind, fit=fit, labels=LABELS)


def opened(folder: Path, model: Any, detection: Optional[Detection], manner: Optional[Manner] = None) -> Detector:
    return Detector.open(engine(folder, model, detection), manner, here())


def check(found: Tuple[Found, ...], red: Box, green: Box, within: float) -> None:
    assert sorted((item.label, item.number, item.score) for item in found) == [
        (LABELS[1], 1, SURE),
        (LABELS[0], 0, SURE),
    ]
    for item in found:
        np.testing.assert_allclose(item.box, green if item.number else red, atol=within)


@pytest.mark.parametrize("fit", ["stretch", "letterbox", "corner"])
@pytest.mark.parametrize("kind", finders.KINDS)
def test_boxes_are_where_the_rectangles_are(tmp_path: Path, kind: str, fit: str) -> None:
    """Twice as large as the input, and then one that is scaled down unevenly, or has room beside it."""
    red, green = (100, 40, 180, 200), (300, 60, 420, 140)
    with opened(tmp_path, network(kind), told(kind, fit)) as detector:
        exact, wide = detector.detect([scene(), scene((500, 250), red, green)])
    check(exact, RED, GREEN, 0)
    # A pixel of the input is up to 4 of the picture; what is more than half covered counts.
    check(wide, red, green, 2.01)


def test_portraits_have_room_at_their_sides(tmp_path: Path) -> None:
    red, green = (20, 20, 80, 100), (100, 200, 160, 380)
    with opened(tmp_path, network("yolov5"), told("yolov5", "letterbox")) as detector:
        (found,) = detector.detect([scene((192, 384), red, green)])
    check(found, red, green, 2.01)


def test_arrays_are_pictures_too(tmp_path: Path) -> None:
    with opened(tmp_path, network("detr"), told("detr")) as detector:
        (found,) = detector.detect([np.asarray(scene())])
        check(found, RED, GREEN, 0)
        with pytest.raises(Invalid, match="a ndarray is no picture"):
            detector.detect([np.zeros((8, 8, 3))])
        with pytest.raises(Invalid, match="a str is no picture"):
            detector.detect(["street.jpg"])
        assert detector.detect([]) == ()


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    for kind in finders.KINDS:
        with opened(tmp_path / kind, network(kind), told(kind)) as detector:
            empty, one = detector.detect([Image.new("RGB", SIZE, "white"), scene(green=RED, red=(0, 0, 1, 1))])
        assert empty == ()
        assert [item.label for item in one] == [LABELS[1]]


@pytest.mark.parametrize("count", [1, 3, 5])
@pytest.mark.parametrize("shape", [(3, 3, 96, 128), ("n", 3, 96, 128)])
def test_pictures_go_in_as_many_as_fit(tmp_path: Path, shape: Any, count: int) -> None:
    """With a batch of 3, the last ones are filled up where the engine takes no fewer."""
    manner = Manner(batch=None if shape[0] == 3 else 3)
    pictures = [scene(red=(40 + 8 * number, 32, 120, 96)) for number in range(count)]
    with opened(tmp_path, network("yolov5", shape), told("yolov5"), manner) as detector:
        assert detector.batch == 3
        for number, found in enumerate(detector.detect(pictures)):
            check(found, (40 + 8 * number, 32, 120, 96), GREEN, 0)


def test_an_open_size_is_the_usual_one_or_that_which_is_asked_for(tmp_path: Path) -> None:
    model = network("yolov5", ("n", 3, "h", "w"))
    with opened(tmp_path, model, told("yolov5")) as detector:
        assert (detector.input.size, detector.batch) == ((640, 640), 1)
    with opened(tmp_path, model, told("yolov5"), Manner(size=(64, 48))) as detector:
        assert detector.input.size == (64, 48)
        (found,) = detector.detect([scene()])
    check(found, RED, GREEN, 0)


def test_a_profile_tells_the_size_and_what_is_possible(tmp_path: Path) -> None:
    profile = {"images": ShapeRange((2, 3, 48, 64), (4, 3, 96, 128), (8, 3, 96, 256))}
    options = BuildOptions(profiles=(profile,))
    folder = engine(tmp_path, network("detr", ("n", 3, "h", "w")), told("detr"), options)
    with Detector.open(folder, None, here()) as detector:
        assert (detector.input.size, detector.batch) == ((128, 96), 4)
        (found,) = detector.detect([scene()])
        check(found, RED, GREEN, 0)
    for manner, said in (
        (Manner(size=(512, 96)), "the engine takes 64 to 256 pixels, not 512. Leave --HW out"),
        (Manner(batch=1), "the engine takes 2 to 8 pictures at once, not 1. Leave --batch out"),
    ):
        with pytest.raises(Invalid) as refused:
            Detector.open(folder, manner, here())
        assert f"{refused.value.message}. {refused.value.hint}".startswith(said)


def test_a_fixed_engine_takes_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="the engine takes 96 pixels, not 100"):
        opened(tmp_path, network("detr"), told("detr"), Manner(size=(128, 100)))


def test_an_engine_that_says_nothing_is_not_guessed_at(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as refused:
        opened(tmp_path, network("yolov5"), None)
    assert "does not say how its answers are read: its outputs are detections (float32 " in refused.value.message
    assert refused.value.hint.startswith("Give --as deformable-detr|detr|mask-rcnn|yolov5|yolov8")
    changes = {"fit": "stretch"}
    with opened(tmp_path, network("yolov5"), None, Manner(kind="yolov5", changes=changes)) as detector:
        (found,) = detector.detect([scene()])
    assert {item.label for item in found} == {"person", "bicycle"}
    with pytest.raises(Invalid, match="no output is of boxes"):
        opened(tmp_path, network("yolov5"), None, Manner(kind="detr")).detect([scene()])
    with pytest.raises(Invalid, match="there is no kind of network 'yolo'"):
        opened(tmp_path, network("yolov5"), None, Manner(kind="yolo"))


def test_a_kind_of_a_newer_farm_is_told(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="does not say how its answers are read"):
        opened(tmp_path, network("detr"), told("detr-9"))


def test_what_is_asked_for_comes_before_what_the_engine_says(tmp_path: Path) -> None:
    """A network that takes colours from -1 to 1, in the order of blue, green, red."""
    changes = {"mean": "0.5", "std": "0.5/0.5/0.5", "order": "bgr"}
    manner = Manner(changes=changes, labels=("a", "b"), threshold=0.95)
    with opened(tmp_path, network("detr"), replace(told("detr"), mean=(9.0,)), manner) as detector:
        assert detector.detect([scene()]) == ((),)
        assert (detector.detection.mean, detector.detection.order) == ((0.5,), "bgr")
    with opened(tmp_path, network("detr"), told("detr"), Manner(changes={"order": "bgr"}, labels=("a",))) as detector:
        # In this order, blue is what the network takes for red.
        blue, green, red = scene().split()
        (found,) = detector.detect([Image.merge("RGB", (red, green, blue))])
    assert sorted(item.label for item in found) == ["a", "class 1"]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("size", "3", "there is no preprocessing 'size'"),
        ("mean", "1/2", "mean cannot be '1/2'"),
        ("mean", "nan", "mean cannot be 'nan'"),
        ("std", "0", "std cannot be '0'"),
        ("scale", "0", "scale cannot be '0'"),
        ("fit", "crop", "fit cannot be 'crop'"),
        ("order", "rbg", "order cannot be 'rbg'"),
        ("fill", "1/2/256", "fill cannot be '1/2/256'"),
    ],
)
def test_preprocessing_that_cannot_be_is_told(name: str, value: str, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        changed(told("detr"), {name: value})
    assert refused.value.message == said
    assert refused.value.hint


def test_what_a_model_says_wrongly_is_told() -> None:
    for wrong in (
        replace(told("detr"), mean=(1.0, 2.0)),
        replace(told("detr"), fit="crop"),
        replace(told("detr"), fill=()),
    ):
        with pytest.raises(Invalid, match="pictures cannot go into the network as is said"):
            changed(wrong, {})


def test_engines_that_take_no_pictures_are_told(tmp_path: Path) -> None:
    model = network("detr", (1, 3, 96, 128))
    model.graph.input.append(onnx.helper.make_tensor_value_info("mask", onnx.TensorProto.BOOL, (1, 96, 128)))
    with pytest.raises(Invalid, match=r"does not take pictures of three colours alone: its inputs are images .*, mask"):
        opened(tmp_path, model, told("detr"))


def test_numbers_that_are_none_are_told(tmp_path: Path) -> None:
    model = network("detr")
    model.graph.node[-1].input[0] = model.graph.node[-2].input[0]
    nothing = onnx.helper.make_node("Div", ["zero", "zero"], ["nothing"])
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros((1, 2, 4), np.float32), "zero"))
    model.graph.node.insert(0, nothing)
    model.graph.node[-1].input[0] = "nothing"
    with opened(tmp_path, model, told("detr")) as detector, pytest.raises(NumericsFailed, match="NaN or infinity"):
        detector.detect([scene()])


def test_every_kind_has_what_it_needs() -> None:
    for name, kind in KINDS.items():
        assert kind.usual.answers == name
        assert len(kind.labels) in (80, 91)
    assert KINDS["detr"].labels[17] == KINDS["yolov5"].labels[15] == "cat"
    assert KINDS["detr"].labels[90] == KINDS["yolov5"].labels[79] == "toothbrush"
