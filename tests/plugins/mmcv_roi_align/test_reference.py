"""The reference against ONNX Runtime, whose RoiAlign is another implementation of the same contract."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from plugins.mmcv_roi_align.reference import reference
from tests.plugins.onnx_runtime import answer

from .calls import attributes, random_rois


def onnx_roi_align(features: Any, rois: Any, how: dict[str, Any]) -> Any:
    operator = helper.make_node(
        "RoiAlign",
        ["features", "boxes", "images"],
        ["y"],
        mode="avg",
        output_height=how["output_height"],
        output_width=how["output_width"],
        sampling_ratio=how["sampling_ratio"],
        spatial_scale=how["spatial_scale"],
        coordinate_transformation_mode="half_pixel" if how["aligned"] else "output_half_pixel",
    )
    inputs = {"features": features, "boxes": rois[:, 1:].copy(), "images": rois[:, 0].astype(np.int64)}
    return answer([operator], inputs, {"y": TensorProto.FLOAT}, opset=16)[0]


@pytest.mark.parametrize("sampling", [0, 1, 2, 5])
@pytest.mark.parametrize("aligned", [0, 1])
@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_averages_are_those_of_onnx_runtime(scale: float, aligned: int, sampling: int) -> None:
    draw = np.random.default_rng(sampling)
    features = draw.standard_normal((3, 4, 21, 34)).astype(np.float32)
    rois = random_rois(draw, 60, 3, 21 / scale, 34 / scale)
    # Boxes the wrong way round are defined by PyTorch alone.
    rois[:, 3:] = np.maximum(rois[:, 3:], rois[:, 1:3])
    how = attributes(output_height=5, sampling_ratio=sampling, spatial_scale=scale, aligned=aligned)
    np.testing.assert_allclose(
        reference([features, rois], how)[0], onnx_roi_align(features, rois, how), rtol=1e-4, atol=1e-5
    )


def test_the_largest_sample_of_a_bin() -> None:
    features = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    rois = np.array([[0, 0, 0, 4, 4]], np.float32)
    how = attributes(output_height=2, output_width=2, sampling_ratio=2, mode="max")
    np.testing.assert_array_equal(reference([features, rois], how)[0][0, 0], [[5, 7], [13, 15]])
