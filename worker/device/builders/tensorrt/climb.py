"""Down the ladder: a build with less and less until it fits into memory, and what is told of each failure."""

from __future__ import annotations

import logging
import re
from typing import Any, Callable, Dict, Iterable, List, Sequence

from farm.backends.tensorrt.advice import advice
from farm.protocol.errors import BuildFailed

from .ladder import Rung, is_out_of_memory
from .parse import sentence

log = logging.getLogger(__name__)

# What stands before it is a place in the source of TensorRT.
_CODE = re.compile(r"Error Code \d+: .*", re.DOTALL)


class OutOfMemoryError(Exception):
    """A rung needs more memory than there is."""


def climb(
    name: str, rungs: Iterable[Rung], attempt: Callable[[Rung], Dict[str, Any]], missing: Sequence[str] = ()
) -> Dict[str, Any]:
    """Try rung after rung until one has memory enough.

    Args:
        name: Of backend and version, for messages.
        rungs: What is asked for first.
        attempt: Builds, and tells what happened.
        missing: Rungs that there are not, and why.

    Returns: That, with the rung and, where it is a lower one, every one before it and those that are missing.

    Raises:
        MemoryError: even the lowest rung needs more memory than there is.
        BuildFailed: it gave up for another reason.
    """
    fallen: List[Dict[str, str]] = []
    for rung in rungs:
        if fallen:
            log.warning("not enough memory, so once more with: %s", rung.name)
        try:
            told = attempt(rung)
        except OutOfMemoryError as error:
            fallen.append({"rung": rung.name, "error": str(error)})
        else:
            before = {"rungs_before": fallen, "rungs_missing": list(missing)} if fallen else {}
            return {**told, "rung": rung.name, **before}
    tried = ", ".join(item["rung"] for item in fallen) + "".join(f" (no {item})" for item in missing)
    raise MemoryError(f"{name} tried {tried}; at last: {fallen[-1]['error']}")


def failure(name: str, errors: Sequence[str], silent: str) -> Exception:
    """The error for a build that gave no plan.

    Args:
        name: Of backend and version.
        errors: What TensorRT said, the first first.
        silent: What it did where it said nothing.
    """
    if is_out_of_memory(errors):
        return OutOfMemoryError(_said(errors[0]))
    if not errors:
        return BuildFailed(f"{name} {silent}", "The log of the attempt may tell more.")
    hint = advice(errors) or "The log of the attempt has all that it said."
    return BuildFailed(f"{name} cannot build the engine: {_said(errors[0])}", hint)


def _said(error: str) -> str:
    coded = _CODE.search(error)
    return sentence(coded.group() if coded else error)
