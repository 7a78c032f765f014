"""Where a campaign may go from where it stands, what holds it, and what fetch serves meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from farm.protocol.campaigns import CampaignState
from farm.protocol.errors import Conflict
from farm.protocol.exits import Exit
from farm.protocol.states import GOOD_STATES, State

from .comparison import Change, Comparison
from .outcome import exit_of

_S = CampaignState

MOVES: dict[CampaignState, frozenset[CampaignState]] = {
    _S.RUNNING: frozenset((_S.READY, _S.PROMOTED, _S.HELD, _S.ROLLED_BACK)),
    _S.READY: frozenset((_S.RUNNING, _S.PROMOTED, _S.HELD, _S.ROLLED_BACK)),
    _S.HELD: frozenset((_S.RUNNING, _S.PROMOTED, _S.ROLLED_BACK)),
    _S.PROMOTED: frozenset((_S.ROLLED_BACK, _S.CLOSED)),
    _S.ROLLED_BACK: frozenset(),
    _S.CLOSED: frozenset(),
}
# Its builds are still ordered and followed. Somebody may hold a campaign long before they have ended.
BUILDING = frozenset((_S.RUNNING, _S.HELD))
# Garbage collection keeps the engines of both sides.
OPEN = frozenset((_S.RUNNING, _S.READY, _S.HELD, _S.PROMOTED))
# Its new engines are what fetch prefers.
SERVING = frozenset((_S.PROMOTED, _S.CLOSED))

_DEEDS = {
    _S.RUNNING: "retried",
    _S.PROMOTED: "promoted",
    _S.HELD: "held",
    _S.ROLLED_BACK: "rolled back",
    _S.CLOSED: "closed",
}


def check_move(campaign: str, old: CampaignState, new: CampaignState) -> bool:
    """True when the move is allowed; False when the campaign is there already.

    Raises: Conflict
    """
    if old is new:
        return False
    if new not in MOVES[old]:
        told = str(old).replace("_", " ")
        raise Conflict(f"{campaign} is {told} and cannot be {_DEEDS[new]}", f"See farm campaign show {campaign}.")
    return True


@dataclass(frozen=True)
class Renewed:
    """What became of one engine of a campaign.

    Attributes:
        state: Of its request; None while it is not ordered.
        speed: Against its former one; None before there is a new one.
        refusal: Why it could not be ordered.
        reason: Why its request ended.
        gone: The new engine was removed again.
    """

    name: str
    state: State | None
    speed: Comparison | None = None
    refusal: str = ""
    reason: str = ""
    noisy: bool = False
    gone: bool = False


def ended(item: Renewed) -> bool:
    """Nothing of it goes on."""
    return bool(item.refusal) or (item.state is not None and exit_of(item.state) is not None)


def problem(item: Renewed, allowed_percent: float | None) -> str:
    """What stands against promoting an engine, in one sentence; empty while it is built, and where it is good."""
    if not ended(item):
        return ""
    if item.refusal:
        return item.refusal
    if item.state not in GOOD_STATES:
        return f"{item.state}: {item.reason}" if item.reason else str(item.state)
    if item.gone:
        return "its new engine was removed"
    return _too_slow(item.speed, allowed_percent)


def exit_code(item: Renewed, allowed_percent: float | None) -> Exit | None:
    """What one engine adds to the exit code of a command that waits; None while it is built."""
    if not ended(item):
        return None
    if item.refusal or item.gone or item.state is None:
        return Exit.BUILD_FAILED
    if item.state not in GOOD_STATES:
        return exit_of(item.state)
    if _too_slow(item.speed, allowed_percent):
        compares = item.speed is not None and item.speed.ratio is not None
        return Exit.BUILD_FAILED if compares else Exit.TOO_NOISY
    return exit_of(item.state, item.noisy)


def _too_slow(speed: Comparison | None, allowed_percent: float | None) -> str:
    """Why an engine does not keep a limit; empty where it does. A difference inside the noise keeps any limit."""
    if allowed_percent is None:
        return ""
    if speed is None or speed.ratio is None:
        told = speed.reason if speed else "there is no new engine"
        return f"nobody can tell whether it is slower: {told}"
    percent = 100 * (speed.ratio - 1)
    if speed.change is Change.SLOWER and percent > allowed_percent:
        return f"it is slower by {percent:.1f} %; {allowed_percent:g} % are allowed"
    return ""


def verdict(items: Sequence[Renewed], allowed_percent: float | None) -> tuple[CampaignState, str]:
    """Where a campaign goes from `running`, and why: on while something is built, then ready, or held."""
    if not all(map(ended, items)):
        return _S.RUNNING, ""
    told = [(item.name, why) for item in items if (why := problem(item, allowed_percent))]
    return (_S.HELD, summary(told, len(items))) if told else (_S.READY, "")


def summary(problems: Sequence[tuple[str, str]], of: int) -> str:
    """One sentence for the problems of a campaign: how many there are, and the first."""
    (name, why), *_ = problems
    return f"{len(problems)} of {of} cannot be promoted: {name}: {why}"


def check_promotable(campaign: str, items: Sequence[Renewed], allowed_percent: float | None, force: bool) -> None:
    """Refuse to promote what is not finished, or has problems that `force` does not overrule.

    Raises: Conflict
    """
    left = sum(not ended(item) for item in items)
    if left:
        raise Conflict(
            f"{left} of {len(items)} engines of {campaign} are not built yet",
            f"Wait with farm campaign show {campaign} --wait, or cancel their submissions.",
        )
    told = [(item.name, why) for item in items if (why := problem(item, allowed_percent))]
    if told and not force:
        raise Conflict(
            summary(told, len(items)),
            f"Try them again with farm campaign retry {campaign}, or promote what there is with --force.",
        )
    if not any(item.state in GOOD_STATES and not item.gone for item in items):
        raise Conflict(f"{campaign} has no good engine", f"Try again with farm campaign retry {campaign}.")


def awaited(makers: Iterable[CampaignState], asked_otherwise: bool) -> bool:
    """True for an engine that fetch does not hand out by itself: only campaigns ordered it, and none is promoted."""
    states = tuple(makers)
    return bool(states) and not asked_otherwise and not SERVING.intersection(states)
