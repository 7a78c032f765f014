"""Campaigns as people read them: the engines of one side by side with what they are to replace."""

from __future__ import annotations

import time
from typing import Dict, List, Optional, Tuple

from farm.protocol.campaigns import CampaignDetail, CampaignItem, CampaignView, EngineStand, Speed, SpeedChange
from farm.protocol.report import Verdict

from .console import columns, emit_fields, emit_table, out, say
from .format import BAD, GOOD, WARN, Cell, CellLike, age, dim, error, ms, size, word

_ITEMS = columns("model, precision, target~, state, p50>, was>, change>, size>, max error>, note~")
_HINTS = {
    "ready": "farm campaign promote {0} lets devices fetch the new engines",
    "held": "farm campaign retry {0} builds again what stands against it; farm campaign rollback {0} gives it up",
    "promoted": "farm campaign rollback {0} goes back; farm campaign close {0} lets go of the former engines",
}


def emit_campaign(detail: CampaignDetail) -> None:
    """Print where a campaign stands, the table of its engines, and what may follow."""
    view = detail.campaign
    decided = f"{view.decided_by or 'the farm'}, {age(view.decided_at)}" if view.decided_at else ""
    limit = view.fail_if_slower_percent
    emit_fields(
        [
            ("campaign", view.id),
            ("state", word(str(view.state).replace("_", " "))),
            ("reason", Cell(view.reason, WARN)),
            ("toolchain", f"{view.backend} {view.version}"),
            ("targets", ", ".join(view.targets)),
            ("models", ", ".join(view.models)),
            ("may be slower by", "" if limit is None else f"{limit:g} %"),
            ("started", f"{view.created_by}, {age(view.created_at)}"),
            ("decided", decided),
        ]
    )
    out()
    emit_table(_ITEMS, [_row(item) for item in detail.items])
    hint = _HINTS.get(str(view.state), "")
    if hint:
        say(hint.format(view.id))


def states_text(view: CampaignView) -> str:
    """How many engines are in which state, such as `3 done, 1 failed`."""
    return ", ".join(f"{count} {state}" for state, count in sorted(view.states.items()))


class Lines:
    """One line whenever an engine of a campaign has moved."""

    def __init__(self) -> None:
        self._seen: Dict[int, str] = {}

    def tell(self, detail: CampaignDetail) -> None:
        """Say what is new since the last call."""
        for item in detail.items:
            if self._seen.get(item.number) != item.state:
                more = f": {item.problem}" if item.problem else ""
                say(f"{time.strftime('%H:%M:%S')}  {item.model_name} for {item.target}  {item.state}{more}")
                self._seen[item.number] = item.state


def _row(item: CampaignItem) -> Tuple[CellLike, ...]:
    return (
        item.model_name,
        str(item.precision),
        item.target,
        word(item.state),
        ms(item.after.latency_ms if item.after else None),
        dim(ms(item.before.latency_ms if item.before else None)),
        _change(item.speed),
        _sizes(item.before, item.after),
        _errors(item.before, item.after),
        _note(item),
    )


def _change(speed: Optional[SpeedChange]) -> CellLike:
    if speed is None or speed.percent is None:
        return dim("-")
    told = f"{speed.percent:+.1f} %"
    if speed.speed is Speed.WITHIN_NOISE:
        return dim(f"{told} (noise)")
    return Cell(told, BAD if speed.speed is Speed.SLOWER else GOOD)


def _sizes(before: Optional[EngineStand], after: Optional[EngineStand]) -> str:
    if after is None:
        return "-"
    if before is None or not before.size_bytes:
        return size(after.size_bytes)
    return f"{size(after.size_bytes)} {100 * (after.size_bytes / before.size_bytes - 1):+.0f} %"


def _errors(before: Optional[EngineStand], after: Optional[EngineStand]) -> str:
    if after is None:
        return "-"
    return f"{error(before.max_error if before else None)} to {error(after.max_error)}"


def _note(item: CampaignItem) -> CellLike:
    """What one should know about the row; the most alarming first."""
    if item.problem:
        return Cell(item.problem, BAD)
    notes: List[str] = []
    if item.after is not None and item.after.verdict is Verdict.UNVERIFIED:
        notes.append("unverified")
    if item.superseded:
        notes.append("the name points at another model by now")
    if item.speed is not None and item.speed.reason:
        notes.append(item.speed.reason)
    return Cell("; ".join(notes), WARN)
