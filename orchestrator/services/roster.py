"""The fleet as a page lists it: a part of the devices, with what each of them does and what waits for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from farm.protocol.states import DeviceState, Role, State
from farm.protocol.views import DeviceView
from orchestrator.store import roster
from orchestrator.store.roster import AtWork

from . import fleet
from .context import Context

_ABSENT = (DeviceState.RECORDED, DeviceState.GONE)


@dataclass(frozen=True)
class Wanted:
    """Which devices to list; what is empty is any.

    Attributes:
        text: Part of the name, of a card, or of a target's label; a target word.
        backend: Such as `tensorrt 8.5.2.2`.
        first: How many of those that match to leave out.
    """

    text: str = ""
    state: DeviceState | None = None
    backend: str = ""
    first: int = 0
    most: int = 50


@dataclass(frozen=True)
class Working:
    """What a slot of a device works on.

    Attributes:
        build: None where it prepares a model.
        phase: Of the state, in the words of the backend; empty where it tells none.
        percent: Of the steps that are done; None where the backend does not count.
    """

    slot: str
    build: str | None
    model: str
    state: State
    phase: str
    percent: float | None
    elapsed_s: float


@dataclass(frozen=True)
class Entry:
    """One device of the list.

    Attributes:
        queued: Builds and preparations in the queue that it could take.
    """

    device: DeviceView
    working: tuple[Working, ...]
    queued: int


@dataclass(frozen=True)
class Roster:
    """A part of the fleet.

    Attributes:
        matching: How many devices match; the entries are some of them.
        total: How many there are.
        states: How many of all devices are in which state, in the order of the states.
        backends: Every backend with its version that a device has, sorted.
    """

    entries: tuple[Entry, ...]
    matching: int
    total: int
    states: Mapping[DeviceState, int]
    backends: tuple[str, ...]


def listed(context: Context, wanted: Wanted) -> Roster:
    """The devices that match, by name."""
    every = fleet.every(context)
    found = [device for device in every if _matches(device, wanted)]
    states = Counter(device.state for device in every)
    return Roster(
        entries=_entries(context, found[wanted.first : wanted.first + wanted.most]),
        matching=len(found),
        total=len(every),
        states={state: states[state] for state in DeviceState if states[state]},
        backends=tuple(sorted({name for device in every for name in _backends(device)})),
    )


def entry(context: Context, name: str) -> Entry:
    """One device. Raises: NotFound."""
    return _entries(context, [fleet.show(context, name)])[0]


def _backends(device: DeviceView) -> tuple[str, ...]:
    return tuple(f"{item.name} {item.version}" for item in device.facts.backends)


def _matches(device: DeviceView, wanted: Wanted) -> bool:
    if wanted.state is not None and device.state is not wanted.state:
        return False
    if wanted.backend and wanted.backend not in _backends(device):
        return False
    if not wanted.text:
        return True
    text = wanted.text.lower()
    named = (device.name, *(card.name for card in device.facts.gpus), *device.targets)
    return text in device.words or any(text in name.lower() for name in named)


def _entries(context: Context, devices: list[DeviceView]) -> tuple[Entry, ...]:
    ids = [device.id for device in devices]
    with context.database.read() as connection:
        at_work = roster.at_work(connection, ids)
        builds = roster.queued_builds(connection, ids)
        preparations = roster.queued_preparations(connection)
    working: dict[str, tuple[Working, ...]] = {}
    for item in at_work:
        working[item.device_id] = (*working.get(item.device_id, ()), _working(context, item))
    return tuple(
        Entry(device, working.get(device.id, ()), _queued(device, builds.get(device.id, 0), preparations))
        for device in devices
    )


def _queued(device: DeviceView, builds: int, preparations: int) -> int:
    if device.state in _ABSENT:
        return 0
    return builds + (preparations if Role.HOST in device.roles else 0)


def _working(context: Context, item: AtWork) -> Working:
    told = context.progress.of(item.attempt, item.state)
    return Working(
        slot=item.slot,
        build=item.build,
        model=item.model_name if item.build else item.model_name[:12],
        state=item.state,
        phase=told.phase if told else "",
        percent=told.percent if told else None,
        elapsed_s=max(0.0, context.clock() - item.started_at),
    )
