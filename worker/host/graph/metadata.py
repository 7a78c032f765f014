"""What a model says of itself: texts by name, which no step may lose, and how objects are found with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farm.protocol.codec import dumps, loads
from farm.protocol.detection import DETECTION_KEY, Detection
from farm.protocol.errors import Invalid, ProtocolError

if TYPE_CHECKING:
    from onnx import ModelProto


def detection_of(model: ModelProto) -> Detection | None:
    """What the model says of pictures; None where it says nothing.

    Raises: Invalid: it cannot be read.
    """
    told = _told(model).get(DETECTION_KEY)
    if told is None:
        return None
    try:
        return loads(Detection, told)
    except ProtocolError as error:
        raise Invalid(
            f"the metadata {DETECTION_KEY} of the model cannot be read: {error.message}",
            "Write it as docs/detect.md shows, or remove it.",
        ) from error


def write_detection(model: ModelProto, detection: Detection) -> None:
    """Write it into the model, in the place of what it said before."""
    write_metadata(model, {DETECTION_KEY: dumps(detection)})


def write_metadata(model: ModelProto, told: dict[str, str]) -> None:
    """Write texts by name; others that are there stay."""
    from onnx import helper

    helper.set_model_props(model, {**_told(model), **told})


def keep_metadata(before: ModelProto, after: ModelProto) -> None:
    """What the model said before a step and no longer says, it says again: tools of others forget it."""
    lost = {name: text for name, text in _told(before).items() if name not in _told(after)}
    if lost:
        write_metadata(after, lost)


def _told(model: ModelProto) -> dict[str, str]:
    return {item.key: item.value for item in model.metadata_props}
