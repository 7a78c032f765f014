"""What processes of the worker read from their environment, in one place."""

from __future__ import annotations

import os
from typing import Mapping, Optional, Tuple

from farm.protocol.errors import Invalid

STAGES_VARIABLE = "FARM_CHILD_STAGES"
_SECRETS = ("FARM_TOKEN", "FARM_BROKER_URL", "FARM_DATABASE_URL")
LIFELINE_VARIABLE = "FARM_CHILD_LIFELINE"
INPUTS_VARIABLE = "FARM_CHILD_INPUTS"
PARENT_VARIABLE = "FARM_CHILD_PARENT"
MEMORY_VARIABLE = "FARM_CHILD_MEMORY_BYTES"
HIDDEN_VARIABLE = "FARM_CHILD_HIDDEN"
FAILPOINTS_VARIABLE = "FARM_FAILPOINTS"
# What a child may see: where programs and libraries are, how many threads to use.
CHILD_VARIABLES = (
    "PATH",
    "LANG",
    "LANGUAGE",
    "TZ",
    "LD_LIBRARY_PATH",
    "PYTHONPATH",
    "PYTHONHASHSEED",
    # Where tools and headers for plugins are.
    "FARM_TOOLCHAIN",
    "TENSORRT_ROOT",
    FAILPOINTS_VARIABLE,
)
CHILD_BEGINNINGS = ("LC_", "CUDA", "NVIDIA_", "OMP_", "OPENBLAS_", "MKL_")


def stages_descriptor(environ: Mapping[str, str] = os.environ) -> Optional[int]:
    """The descriptor on which a child tells its stages; None when a person started it.

    Raises: Invalid: it is not a number.
    """
    return _number(environ, STAGES_VARIABLE)


def lifeline_descriptor(environ: Mapping[str, str] = os.environ) -> Optional[int]:
    """The descriptor whose end tells a child that its worker is gone; None when a person started it."""
    return _number(environ, LIFELINE_VARIABLE)


def inputs_descriptor(environ: Mapping[str, str] = os.environ) -> Optional[int]:
    """The descriptor on which a child is told that its inputs are there; None where they are from the beginning."""
    return _number(environ, INPUTS_VARIABLE)


def parent_process(environ: Mapping[str, str] = os.environ) -> Optional[int]:
    """The process that started this child; None when a person did."""
    return _number(environ, PARENT_VARIABLE)


def memory_limit(environ: Mapping[str, str] = os.environ) -> Optional[int]:
    """What the worker lets this child hold, in bytes; None where it sets no limit, or a person started the child."""
    return _number(environ, MEMORY_VARIABLE)


def hidden_places(environ: Mapping[str, str] = os.environ) -> Tuple[str, ...]:
    """Files and folders that a child must not read; none where a person started it."""
    return tuple(filter(None, environ.get(HIDDEN_VARIABLE, "").split(os.pathsep)))


def failpoints(environ: Mapping[str, str] = os.environ) -> str:
    """Faults on purpose, see `worker.child.failpoints`; empty but in tests."""
    return environ.get(FAILPOINTS_VARIABLE, "")


def toolchain_variables(environ: Mapping[str, str] = os.environ) -> Mapping[str, str]:
    """What `farm.device.toolchain.named_folders` reads."""
    return environ


def library_variables(environ: Mapping[str, str] = os.environ) -> Mapping[str, str]:
    """The whole environment of a child that starts itself again, with more places for libraries."""
    return environ


def take_environment() -> Mapping[str, str]:
    """The environment of this process, which loses its secrets: programs that it starts inherit none."""
    taken = dict(os.environ)
    for name in _SECRETS:
        os.environ.pop(name, None)
    return taken


def _number(environ: Mapping[str, str], name: str) -> Optional[int]:
    text = environ.get(name, "")
    if text and not text.isdigit():
        raise Invalid(f"{name} is {text!r}", "Give a whole number, or nothing.")
    return int(text) if text else None
