"""Against numbers of the processors of transformers 5.23 (`post_process_object_detection`), written down once."""

from __future__ import annotations

from typing import List, Sequence, Tuple

import numpy as np
import pytest

from farm.detect.answers import Answers, Decode, Limits
from farm.detect.fitting import placed
from farm.detect.transformers import deformable_detr, detr
from farm.protocol.errors import Invalid, NumericsFailed

Row = Tuple[float, int, Sequence[float]]

_random = np.random.default_rng(5)
LOGITS = _random.normal(0, 2.5, (2, 6, 4)).astype(np.float32)
BOXES = _random.uniform(0.2, 0.6, (2, 6, 4)).astype(np.float32)
# Width and height of the pictures.
PICTURES = ((640, 480), (300, 200))

DETR: List[List[Row]] = [
    [
        (0.90931, 0, [107.05, 140.7, 337.3, 416.49]),
        (0.8748, 1, [111.47, 29.36, 429.28, 254.85]),
        (0.96869, 1, [210.75, 75.52, 395.56, 294.58]),
        (0.7612, 1, [218.44, 8.65, 446.4, 257.85]),
    ],
    [
        (0.70526, 1, [38.91, 39.42, 172.41, 154.7]),
        (0.91567, 2, [68.5, 80.6, 166.58, 152.77]),
        (0.70033, 0, [-7.78, 16.22, 128.0, 131.01]),
    ],
]
# With `top_k` 5, of which those above the threshold are left.
DEFORMABLE: List[List[Row]] = [
    [
        (0.98349, 1, [111.47, 29.36, 429.28, 254.85]),
        (0.98201, 1, [210.75, 75.52, 395.56, 294.58]),
        (0.94481, 0, [107.05, 140.7, 337.3, 416.49]),
        (0.86667, 0, [111.47, 29.36, 429.28, 254.85]),
    ],
    [
        (0.9491, 0, [-7.78, 16.22, 128.0, 131.01]),
        (0.88841, 1, [38.91, 39.42, 172.41, 154.7]),
        (0.85711, 1, [-7.78, 16.22, 128.0, 131.01]),
    ],
]


def rows(answers: Answers, picture: Tuple[int, int], size: Tuple[int, int]) -> List[Row]:
    boxes = placed(picture, size, "stretch").to_picture(answers.boxes)
    return [(float(score), int(number), box) for score, number, box in zip(answers.scores, answers.classes, boxes)]


@pytest.mark.parametrize(
    ("decode", "limits", "expected"),
    [(detr, Limits(0.7), DETR), (deformable_detr, Limits(0.8, top=5), DEFORMABLE)],
)
def test_answers_are_those_of_transformers(decode: Decode, limits: Limits, expected: List[List[Row]]) -> None:
    size = (1920, 1280)
    found = decode({"logits": LOGITS, "pred_boxes": BOXES}, size, limits)
    for answers, picture, wanted in zip(found, PICTURES, expected):
        mine = rows(answers, picture, size)
        assert [row[0] for row in mine] == sorted((row[0] for row in mine), reverse=True)
        wanted = sorted(wanted, key=lambda row: -row[0])
        assert [row[1] for row in mine] == [row[1] for row in wanted]
        np.testing.assert_allclose([row[0] for row in mine], [row[0] for row in wanted], atol=1e-5)
        # Ours end at the edges of the picture.
        inside = [np.clip(row[2], 0, [*picture, *picture]) for row in wanted]
        np.testing.assert_allclose([row[2] for row in mine], inside, atol=0.006)


def test_names_and_order_of_outputs_do_not_matter() -> None:
    (one, _), (other, _) = (
        detr(outputs, (100, 100), Limits(0.5))
        for outputs in ({"a": BOXES, "b": LOGITS[..., :3]}, {"y": LOGITS[..., :3].astype(np.float16), "x": BOXES})
    )
    np.testing.assert_array_equal(one.classes, other.classes)
    np.testing.assert_allclose(one.scores, other.scores, atol=2e-3)


def test_outputs_of_another_network_are_told() -> None:
    with pytest.raises(Invalid, match=r"no output is of boxes, N x queries x 4; the engine gives y \(float32 1x85x7\)"):
        detr({"y": np.zeros((1, 85, 7), np.float32)}, (64, 64), Limits(0.5))
    with pytest.raises(Invalid, match="several outputs are of classes"):
        detr({"a": LOGITS[..., :3], "b": LOGITS[..., :3], "c": BOXES}, (64, 64), Limits(0.5))


def test_what_is_not_finite_is_no_answer() -> None:
    broken = LOGITS.copy()
    broken[0, 0, 0] = np.nan
    with pytest.raises(NumericsFailed, match="'logits' holds NaN or infinity"):
        deformable_detr({"logits": broken, "boxes": BOXES}, (64, 64), Limits(0.5))


def test_large_logits_do_not_overflow() -> None:
    with np.errstate(over="raise", invalid="raise"):
        (answers,) = detr({"a": np.array([[[900.0, -900, 0]]], np.float32), "b": BOXES[:1, :1]}, (9, 9), Limits(0.5))
        assert answers.scores.tolist() == [1.0]
        (answers,) = deformable_detr(
            {"a": np.array([[[900.0, -900, 0]]], np.float32), "b": BOXES[:1, :1]}, (9, 9), Limits(0.4)
        )
        assert answers.scores.tolist() == [1.0, 0.5]
