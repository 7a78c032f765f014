"""Engines of TensorRT and TensorRT for RTX on a GPU."""

from .session import TensorRtSession, open_rtx_session, open_session

__all__ = ["TensorRtSession", "open_rtx_session", "open_session"]
