"""Engines of TensorRT through its program trtexec, for devices whose Python has no binding."""

from .open import open_session

__all__ = ["open_session"]
