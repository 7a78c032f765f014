"""TensorRT and TensorRT for RTX: what each version can do, what it calls things, and what its options are."""

from .capabilities import SYMBOLS, Loading, TensorRtCapabilities, Typing, capabilities_of

__all__ = ["SYMBOLS", "Loading", "TensorRtCapabilities", "Typing", "capabilities_of"]
