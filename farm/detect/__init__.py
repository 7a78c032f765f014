"""Find objects in pictures with a fetched engine: read, fit, run, decode, draw.

    from farm.detect import Detector, read_picture

    with Detector.open("engines/detr") as detector:
        (found,) = detector.detect([read_picture("street.jpg")])
        print([(item.label, item.score, item.box) for item in found])

NumPy and Pillow are imported on first use: `pip install tensorrt-engine-farm[detect]` brings them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .detector import Detector as Detector
    from .drawing import drawn as drawn
    from .found import Found as Found
    from .manner import Manner as Manner
    from .pictures import read_picture as read_picture

_HOMES = {
    "Detector": ".detector",
    "Found": ".found",
    "Manner": ".manner",
    "drawn": ".drawing",
    "read_picture": ".pictures",
}
__all__ = ["Detector", "Found", "Manner", "drawn", "read_picture"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
