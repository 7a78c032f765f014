"""NVIDIA's own plugins: to the parser some operators of ONNX are plugins, and an engine with one needs its creator."""

from __future__ import annotations

import logging
from typing import Any

log = logging.getLogger(__name__)


def register_creators(trt: Any, logger: Any) -> bool:
    """Make NVIDIA's plugins known in this process, before anything is parsed or loaded; again does no harm.

    Up to 8.6 InstanceNormalization is one, in all versions RoiAlign.

    Args:
        trt: The binding.
        logger: An `ILogger` of it.

    Returns: False where the library does not start: what needs none of them still works.
    """
    started = bool(trt.init_libnvinfer_plugins(logger, ""))
    if not started:
        log.warning("NVIDIA's plugin library does not start; operators that need it will be missing")
    return started
