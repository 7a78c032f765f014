"""The self-hosted build farm for TensorRT engines: what every machine installs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import FarmClient as FarmClient

__version__ = "0.1.0"
__all__ = ["FarmClient", "__version__"]


def __getattr__(name: str) -> Any:
    """Load the client on first use, so that `farm --help` does not pay for an HTTP stack."""
    if name == "FarmClient":
        from .client import FarmClient

        return FarmClient
    raise AttributeError(f"module 'farm' has no attribute {name!r}")
