"""Which stored engine a device is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from farm.backends.tensorrt.requirement import CARRY
from farm.protocol.errors import Conflict, FarmError, NoEngine
from farm.protocol.facts import DeviceFacts
from farm.protocol.keys import RequestKey
from farm.protocol.options import Precision
from farm.protocol.requirement import TIERS, EngineRequirement, Tier, fit
from farm.protocol.submit import Candidate


@dataclass(frozen=True)
class Stored:
    """An engine of the model that is asked for; `refusal` says why it is handed out to nobody, or is empty.

    Attributes:
        awaits: The campaign that it was made for and that is not promoted: only whoever names its key gets it.
        promoted_at: When a campaign promoted its key last.
    """

    id: str
    label: str
    precision: Precision
    key: str
    spec: RequestKey
    requirement: EngineRequirement
    created_at: float
    degraded: bool
    refusal: str = ""
    awaits: str = ""
    promoted_at: float | None = None

    @property
    def variant(self) -> tuple[object, ...]:
        """What an engine is of its model, wherever it was built and runs: engines of one variant replace each other."""
        steps = tuple((step.name, repr(sorted(step.parameters.items()))) for step in self.spec.recipe.steps)
        asked = self.spec.options.backend_options
        own = {name: asked[name] for name in sorted(asked) if name not in CARRY}
        return (repr(replace(self.spec.options, backend_options=own)), steps, tuple(sorted(self.spec.plugins)))


@dataclass(frozen=True)
class Wish:
    """What narrows the choice.

    Attributes:
        older: A model that the name pointed at before and that has an engine: only told, never given.
    """

    name: str
    facts: DeviceFacts
    allow: Tier
    precision: Precision | None = None
    key: str | None = None
    older: str | None = None


def considered(stored: Sequence[Stored], wish: Wish) -> tuple[Candidate, ...]:
    """Each engine held against the device, best first: its tier, or why it is refused, one line each."""
    rows = []
    for engine in sorted(stored, key=lambda item: item.created_at, reverse=True):
        held = fit(engine.requirement, wish.facts)
        refusals = [engine.refusal] if engine.refusal else []
        if engine.awaits and wish.key is None:
            refusals.append(f"made for {engine.awaits}, which is not promoted; --key {engine.key[:12]} takes it")
        refusals += held.refusals
        if wish.precision is not None and engine.precision is not wish.precision:
            refusals.append(f"built as {engine.precision}, asked for {wish.precision}")
        if wish.key is not None and not engine.key.startswith(wish.key):
            refusals.append(f"its key is {engine.key[:12]}, asked for {wish.key[:12]}")
        if held.tier is not None and TIERS.index(held.tier) > TIERS.index(wish.allow):
            refusals.append(f"fits as {held.tier} only; --allow {held.tier} accepts that")
        tier = None if refusals else held.tier
        rows.append(Candidate(engine.id, engine.label, engine.precision, engine.key, tier, tuple(refusals)))
    return tuple(sorted(rows, key=lambda row: TIERS.index(row.tier) if row.tier else len(TIERS)))


def choose(stored: Sequence[Stored], wish: Wish) -> tuple[Candidate, tuple[Candidate, ...]]:
    """The engine to take, and everything that was considered.

    The best tier wins, then a full engine over a degraded one, then what was promoted last, then the newest: all of
    one variant, since how well an engine fits says nothing about which precision or which shapes were meant.

    Raises:
        NoEngine: Nothing fits.
        Conflict: Several variants fit; the message lists them.
    """
    rows = considered(stored, wish)
    fitting = [row for row in rows if row.tier is not None]
    if not fitting:
        raise _nothing(wish, rows)
    by_id = {engine.id: engine for engine in stored}
    variants: dict[tuple[object, ...], Candidate] = {}
    for row in sorted(fitting, key=lambda row: _rank(row, by_id[row.engine])):
        variants.setdefault(by_id[row.engine].variant, row)
    if len(variants) > 1:
        raise _several(wish, tuple(variants.values()))
    (taken,) = variants.values()
    return taken, rows


def _rank(row: Candidate, engine: Stored) -> tuple[int, bool, float, float]:
    tier = TIERS.index(row.tier) if row.tier else len(TIERS)
    return tier, engine.degraded, -(engine.promoted_at or 0.0), -engine.created_at


def _nothing(wish: Wish, rows: Sequence[Candidate]) -> FarmError:
    build = f"Build one with farm submit {wish.name}.onnx --targets …"
    if rows:
        return NoEngine(f"no engine of {wish.name} fits this device as asked", build)
    if wish.older is None:
        return NoEngine(f"there is no engine of {wish.name}", build)
    return NoEngine(
        f"there is no engine of {wish.name} as it is now, only of a model that the name pointed at before",
        f"{build}, or take that one with --model {wish.older}.",
    )


def _several(wish: Wish, variants: Sequence[Candidate]) -> FarmError:
    told = "; ".join(f"{row.precision}, key {row.key[:12]} ({row.engine})" for row in variants)
    precisions = {row.precision for row in variants}
    if len(precisions) == len(variants):
        hint = "Choose with --precision or --key."
    else:
        hint = f"Choose with --key; farm key {variants[0].engine} {variants[1].engine} tells how they differ."
    return Conflict(f"{len(variants)} different engines of {wish.name} fit this device: {told}", hint)
