"""Against numbers of transformers 5.23 (`DetrImageProcessorPil`), written down once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image

from farm.detect.fitting import placed
from farm.detect.kinds import KINDS
from farm.detect.preparing import Input, as_input, as_seen

PIXELS = np.random.default_rng(6).integers(0, 256, (37, 53, 3), dtype=np.uint8)
PICTURE = Image.fromarray(PIXELS)
INPUT = Input("images", (40, 24), "float32", "nchw")
# Every ninth row and fifteenth column of each colour.
EXPECTED = [
    [[0.6734, -0.5253, -0.0972], [1.2728, 0.4508, 0.4679], [0.6734, 0.2967, 0.6734]],
    [[0.1352, 0.6779, -0.5826], [0.2577, 0.0301, 0.6604], [0.5378, 0.4153, -0.0224]],
    [[0.3045, 0.7402, 1.0539], [1.0191, 0.3916, 0.5311], [0.1825, 0.5485, -0.2358]],
]


def test_detr_sees_what_transformers_shows_it() -> None:
    detection = KINDS["detr"].usual
    seen = as_seen(PICTURE, placed(PICTURE.size, INPUT.size, "stretch"), INPUT.size, detection)
    found = as_input([seen], detection, INPUT)
    assert (found.dtype, found.shape) == (np.float32, (1, 3, 24, 40))
    np.testing.assert_allclose(found[0, :, ::9, ::15], EXPECTED, atol=6e-5)


def test_yolo_sees_the_picture_within_grey() -> None:
    detection = KINDS["yolov5"].usual
    placement = placed((80, 20), INPUT.size, "letterbox")
    seen = as_seen(Image.new("RGB", (80, 20), (255, 0, 51)), placement, INPUT.size, detection)
    assert seen.shape == (24, 40, 3)
    assert (seen[:7] == 114).all()
    assert (seen[7:17] == [255, 0, 51]).all()
    assert (seen[17:] == 114).all()
    found = as_input([seen, seen], detection, INPUT)
    assert found.shape == (2, 3, 24, 40)
    np.testing.assert_allclose(found[1, :, 10, 20], [1, 0, 0.2], atol=1e-6)


def test_bytes_go_in_as_they_are_and_colours_in_the_order_that_is_wanted() -> None:
    detection = replace(KINDS["detr"].usual, order="bgr")
    seen = as_seen(PICTURE, placed(PICTURE.size, PICTURE.size, "letterbox"), PICTURE.size, detection)
    np.testing.assert_array_equal(seen, PIXELS)
    found = as_input([seen], detection, Input("images", PICTURE.size, "uint8", "nhwc"))
    np.testing.assert_array_equal(found[0], PIXELS[..., ::-1])
    # Numbers for each colour are in that order, too.
    half = as_input(
        [seen], replace(detection, mean=(0.0, 0.0, 1.0), std=(1.0,)), Input("i", (53, 37), "float16", "nchw")
    )
    assert half.dtype == np.float16
    np.testing.assert_allclose(half[0, 2], PIXELS[..., 0] / 255 - 1, atol=1e-3)
