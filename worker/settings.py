"""What processes of the worker read from their environment, in one place."""

from __future__ import annotations

import os
from typing import Mapping, Optional

from farm.protocol.errors import Invalid

STAGES_VARIABLE = "FARM_CHILD_STAGES"
FAILPOINTS_VARIABLE = "FARM_FAILPOINTS"


def stages_descriptor(environ: Mapping[str, str] = os.environ) -> Optional[int]:
    """The descriptor on which a child tells its stages; None when a person started it.

    Raises: Invalid: it is not a number.
    """
    text = environ.get(STAGES_VARIABLE, "")
    if text and not text.isdigit():
        raise Invalid(f"{STAGES_VARIABLE} is {text!r}", "Give the number of an open descriptor, or nothing.")
    return int(text) if text else None


def failpoints(environ: Mapping[str, str] = os.environ) -> str:
    """Faults on purpose, see `worker.failpoints`; empty but in tests."""
    return environ.get(FAILPOINTS_VARIABLE, "")


def process_environment() -> Mapping[str, str]:
    """The environment of this process as it is now."""
    return dict(os.environ)
