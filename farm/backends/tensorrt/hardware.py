"""What of the options depends on the card: which versions run on it at all, its precisions, its DLA."""

from __future__ import annotations

from typing import Dict, Iterator, Optional, Tuple

from farm.protocol.options import BuildOptions, Precision
from farm.protocol.target import AHEAD_OF_TIME, BuildTarget

from .capabilities import capabilities_of
from .symbol import Version
from .values import RTX_DEFAULT_CARDS, compute_capabilities
from .version import spelled

# Compute capability to the first version that runs on it and the first later one that does not; absent where no
# version that farm knows is without it. Release notes 8.5 to 10.13 and the support matrices.
_CARDS: Dict[str, Tuple[Version, Optional[Version]]] = {
    **dict.fromkeys(("6.0", "6.1", "6.2"), ((8, 5), (10, 0))),
    "7.0": ((8, 5), (10, 5)),
    "7.2": ((8, 5), (8, 6)),
    **dict.fromkeys(("10.0", "12.0"), ((10, 8), None)),
    "11.0": ((10, 13), None),
}
_FIRST_WITH = {Precision.TF32: "8.0", Precision.BF16: "8.0", Precision.FP8: "8.9"}
_DLA = frozenset({"7.2", "8.7"})
# A level of hardware compatibility to the oldest compute capability that has it.
_COMPATIBLE_FROM = {"ampere+": "8.0", "sameComputeCapability": "7.5"}


def hardware_problems(target: BuildTarget, options: BuildOptions) -> Tuple[str, ...]:
    """Why the card of a TensorRT target, or those it is told, cannot honour the options: a sentence each, naming both.

    Raises: Unsupported: farm does not know this version.
    """
    if target.gpu:
        return tuple(_problems(target, options))
    return tuple(_problems_ahead(target, options)) if target.backend in AHEAD_OF_TIME else ()


def cards_ahead(options: BuildOptions) -> Tuple[str, ...]:
    """The compute capabilities that an engine is built for ahead of time.

    Returns: Those that were told, else the usual ones as far as they have the precision.
    """
    told = options.backend_options.get("computeCapabilities")
    if told is not None:
        return compute_capabilities(told)
    return tuple(card for card in RTX_DEFAULT_CARDS if not lacks(options.precision, card))


def lacks(precision: Precision, compute_capability: Optional[str]) -> str:
    """Why a card has no kernels for this precision, as the end of a sentence; empty where it has."""
    first = _FIRST_WITH.get(precision)
    if first is None or compute_capability is None or _number(compute_capability) >= _number(first):
        return ""
    return f"{precision} begins with compute capability {first}, this is {compute_capability}"


def _problems_ahead(target: BuildTarget, options: BuildOptions) -> Iterator[str]:
    try:
        cards = cards_ahead(options)
    except (TypeError, ValueError):  # told among the problems of the options
        return
    for card in cards:
        lacking = lacks(options.precision, card)
        if lacking:
            name = f"{target.backend} {target.backend_version}"
            yield f"{name} cannot build --precision {options.precision} for computeCapabilities {card}: {lacking}"


def _number(compute_capability: str) -> Version:
    return tuple(int(part) for part in compute_capability.split("."))


def _problems(target: BuildTarget, options: BuildOptions) -> Iterator[str]:
    can = capabilities_of(target.backend_version, rtx=target.backend == "tensorrt_rtx")
    capability = target.gpu.compute_capability if target.gpu else ""
    name, asked = f"{target.backend} {target.backend_version}", options.backend_options
    since, gone = _CARDS.get(capability, ((8, 5), None))
    if can.api < since:
        yield f"{name} does not run on compute capability {capability}, which begins with TensorRT {spelled(since)}"
    if gone is not None and can.api >= gone:
        yield f"{name} does not run on compute capability {capability}, which TensorRT {spelled(gone)} left behind"
    level = str(asked.get("hardwareCompatibilityLevel", "none"))
    oldest = _COMPATIBLE_FROM.get(level)
    if oldest is not None and _number(capability) < _number(oldest):
        yield f"{name} has hardwareCompatibilityLevel {level} from compute capability {oldest} on, this is {capability}"
    if oldest is not None and target.l4t is not None:
        yield f"{name} has no hardwareCompatibilityLevel {level} on a Jetson"
    if "useDLACore" in asked and (target.l4t is None or capability not in _DLA):
        yield f"{name} cannot honour useDLACore: {target.gpu.name if target.gpu else 'it'} has no DLA"
    if "useDLACore" in asked and options.precision not in (Precision.FP16, Precision.INT8):
        yield f"{name} runs the DLA with --precision fp16 or int8 only, not with {options.precision}"
