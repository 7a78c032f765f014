"""Which builds share a timing cache, and what a request key says of it."""

from __future__ import annotations

from dataclasses import dataclass

from farm.backends.tensorrt.capabilities import capabilities_of
from farm.protocol.codec import digest
from farm.protocol.errors import Unsupported
from farm.protocol.target import BuildTarget, GpuClass
from farm.protocol.timing import TimingCacheUse, certified_word

_ID_DIGITS = 24
_BACKENDS = ("tensorrt", "trtexec")


@dataclass(frozen=True)
class TimingClass:
    """What two builds have in common if the times of one hold for the other.

    Driver and plugin toolchain are not in it: TensorRT itself refuses a cache that its driver makes void.

    Attributes:
        backend_detail: What else tells one build of TensorRT from another.
        l4t: Of a Jetson, whose CUDA comes with it.
        power_mode: Of a Jetson: it sets the clocks.
    """

    backend: str
    backend_version: str
    backend_detail: dict[str, str]
    platform: str
    gpu: GpuClass
    l4t: str | None
    power_mode: str | None

    @property
    def id(self) -> str:
        """Names the cache of this class."""
        return f"tch-{digest(self)[:_ID_DIGITS]}"


def timing_class(target: BuildTarget) -> TimingClass | None:
    """The class of a target; None where builds for it take no timing cache."""
    if target.backend not in _BACKENDS or target.gpu is None:
        return None
    try:
        if not capabilities_of(target.backend_version).timing_caches:
            return None
    except Unsupported:
        return None
    return TimingClass(
        backend=target.backend,
        backend_version=target.backend_version,
        backend_detail=target.backend_detail,
        platform=target.platform,
        gpu=target.gpu,
        l4t=target.l4t,
        power_mode=target.power_mode,
    )


def key_word(use: TimingCacheUse, target: BuildTarget, certified: str | None) -> str:
    """What the request key of an order says.

    Args:
        use: As submitted.
        target: What is built for.
        certified: Digest of the certified cache of its class.

    Raises: Unsupported: a certified cache is asked for, and there is none, or never will be.
    """
    found = timing_class(target)
    if use is TimingCacheUse.CERTIFIED:
        if found is None:
            raise Unsupported(
                f"{target.backend} {target.backend_version} takes no timing cache, so none can be certified",
                "Submit it without --timing-cache certified.",
            )
        if certified is None:
            raise Unsupported(
                f"no timing cache is certified for {target.label()}",
                "An administrator does so with farm timing-caches certify.",
            )
        return certified_word(certified)
    return str(use) if found else str(TimingCacheUse.NONE)
