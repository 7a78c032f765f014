"""Which engines are live, and what building them anew on a toolchain comes to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from farm.protocol.target import CPU_BACKENDS, BuildTarget

from .toolchains import Toolchain, family

Hardware = tuple[object, ...]


@dataclass(frozen=True)
class LiveEngine:
    """An engine that fetch hands out now: neither removed nor quarantined, and a name points at its model.

    Attributes:
        variant: What was asked for besides model and target: engines of one variant replace each other.
        promoted_at: When a campaign promoted its key last; None for one that no campaign promoted.
    """

    id: str
    model: str
    model_name: str
    variant: str
    target: BuildTarget
    degraded: bool
    created_at: float
    promoted_at: float | None = None


@dataclass(frozen=True)
class Renewal:
    """A live engine that is to be built anew, and what for."""

    former: LiveEngine
    target: BuildTarget


def hardware(target: BuildTarget) -> Hardware:
    """What stays of a target when its runtime, drivers and compilers change."""
    if target.gpu:
        # Not its memory: a new driver may tell another figure of the same card.
        gpu = (target.gpu.name, target.gpu.compute_capability, target.gpu.mig_profile)
        return (family(target.backend), target.platform, *gpu)
    sets = tuple(sorted(target.instruction_sets)) if target.backend in CPU_BACKENDS else ()
    return (family(target.backend), target.platform, sets)


def preference(engine: LiveEngine) -> tuple[bool, float, float]:
    """Sorts as fetch chooses among engines that fit a device equally well."""
    return engine.degraded, -(engine.promoted_at or 0.0), -engine.created_at


def renewals(
    engines: Iterable[LiveEngine], targets: Sequence[BuildTarget], toolchain: Toolchain
) -> tuple[Renewal, ...]:
    """For each variant of a model that lives on the hardware of a target: the one that fetch prefers, to be renewed.

    What was only ever built with this very toolchain is not renewed.
    """
    formers: dict[tuple[Hardware, str, str], LiveEngine] = {}
    for engine in sorted(engines, key=preference):
        if not toolchain.is_of(engine.target):
            formers.setdefault((hardware(engine.target), engine.model, engine.variant), engine)
    return tuple(
        Renewal(former, target)
        for target in targets
        for (on, _, _), former in sorted(formers.items(), key=lambda item: (item[1].model_name, item[1].id))
        if on == hardware(target)
    )
