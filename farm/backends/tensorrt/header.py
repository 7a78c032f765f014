"""The first bytes of a plan: which TensorRT made it, read without TensorRT.

From 8.6 on a plan begins with a tag, a format and its version; trtexec tells it by `--getPlanVersionOnly`. Plans of
TensorRT for RTX have a tag of their own and one bit for each compute capability. Older plans, and formats that farm
does not know, tell nothing.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Optional, Tuple

from farm.protocol.requirement import EngineRequirement

HEADER_BYTES = 64
_TENSORRT, _RTX = b"ftrt", b"vtrt"
_FORMAT = 0
_LAYOUT = struct.Struct("<4sI16x4B4sI")
# The cards of TensorRT for RTX, by bit; seen in plans that 1.7.1 built for each alone.
_BITS = ("7.5", "8.0", "8.6", "8.9", "12.0", "12.1")


@dataclass(frozen=True)
class PlanHeader:
    """What a plan says of itself.

    Attributes:
        backend: `tensorrt` or `tensorrt_rtx`.
        version: Full, such as `10.4.0.26`.
        compute_capabilities: Those that an engine of TensorRT for RTX was built for, as far as farm knows their bits.
    """

    backend: str
    version: str
    compute_capabilities: Tuple[str, ...] = ()


def read_header(first: bytes) -> Optional[PlanHeader]:
    """What the first `HEADER_BYTES` of a plan say; None where their form is not known."""
    if len(first) < _LAYOUT.size:
        return None
    tag, form, *version, _, bits = _LAYOUT.unpack_from(first)
    if tag not in (_TENSORRT, _RTX) or form != _FORMAT:
        return None
    spelled = ".".join(map(str, version))
    if tag == _TENSORRT:
        return PlanHeader("tensorrt", spelled)
    return PlanHeader("tensorrt_rtx", spelled, tuple(card for bit, card in enumerate(_BITS) if bits >> bit & 1))


def contradiction(header: PlanHeader, requirement: EngineRequirement) -> str:
    """What the plan says of itself that its requirement denies, as one sentence; empty where both agree."""
    backend = "tensorrt" if requirement.backend == "trtexec" else requirement.backend
    told = f"{requirement.backend} {requirement.backend_version}"
    # A binding may leave the number of the build out: 10.4.0 is 10.4.0.26.
    same = f"{header.version}.".startswith(f"{requirement.backend_version}.")
    if header.backend != backend or not same:
        return f"the plan itself says {header.backend} {header.version}, its manifest says {told}"
    missing = set(requirement.compute_capabilities) - set(header.compute_capabilities)
    if header.backend == "tensorrt_rtx" and missing:
        return f"the plan itself was not built for compute capability {', '.join(sorted(missing))}"
    return ""
