"""The farm from Python: `from farm import FarmClient`. docs/sdk.md shows it at work."""

from __future__ import annotations

from .asks import LocalAsk, SubmitOptions, make_ask
from .client import FarmClient
from .fetching import Fetched
from .localmodel import LocalModel, read_model
from .progress import Progress, Transfer
from .results import TargetResult

__all__ = [
    "FarmClient",
    "Fetched",
    "LocalAsk",
    "LocalModel",
    "Progress",
    "SubmitOptions",
    "TargetResult",
    "Transfer",
    "make_ask",
    "read_model",
]
