"""Which headers a plugin for a TensorRT is compiled against. Pure."""

from __future__ import annotations

from typing import Iterable, Optional, Protocol, TypeVar

from .capabilities import TensorRtCapabilities
from .version import parse


class There(Protocol):
    """Headers that are there."""

    @property
    def version(self) -> str:
        """Full."""

    @property
    def rtx(self) -> bool:
        """They are those of TensorRT for RTX."""


Found = TypeVar("Found", bound=There)


def fitting(there: Iterable[Found], can: TensorRtCapabilities) -> Optional[Found]:
    """The headers to compile against, or None.

    Those of the same major and minor version. TensorRT for RTX takes plugins of the interface that TensorRT 10 began,
    so where its own headers are not there, the newest of TensorRT that are no newer than its API will do.
    """
    ranked = sorted(there, key=lambda item: parse(item.version), reverse=True)
    wanted = parse(can.version)[:2]
    same = [item for item in ranked if item.rtx == can.rtx and parse(item.version)[:2] == wanted]
    alike = [item for item in ranked if not item.rtx and (10, 0) <= parse(item.version)[:2] <= can.api[:2]]
    return next(iter((*same, *(alike if can.rtx else ()))), None)
