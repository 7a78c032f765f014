"""Where the builds of a worker run: on the machine as it is, or in containers of the images it was given."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Mapping, Optional, Protocol, Tuple

from farm.protocol.facts import DeviceFacts

from .cards import card_of, environ_of
from .child.executor import Executor, ProcessExecutor
from .configuration import ContainerSettings, WorkerSettings

if TYPE_CHECKING:
    from .containers.box import Cards

log = logging.getLogger(__name__)


class House(Protocol):
    """What a worker makes the executors of its slots with.

    Attributes:
        facts: Of the device, with the runtimes that builds find.
    """

    @property
    def facts(self) -> DeviceFacts:
        """See there."""

    def executor(self, slot: str, lock: int) -> Executor:
        """That of a slot whose lock is held by a descriptor."""

    def sweep(self, slot: str) -> None:
        """End what a worker that was killed left of a slot, but for processes. Raises: Unavailable."""


def open_house(settings: WorkerSettings, device: DeviceFacts, environ: Mapping[str, str]) -> House:
    """Where builds run as the settings say.

    Raises: Unavailable: there is no engine for containers, or an image cannot be used.
    """
    if settings.containers is None:
        return _Machine(device, environ, settings.hidden)
    return _Containers(settings.containers, settings, device, environ)


class _Machine:
    def __init__(self, facts: DeviceFacts, environ: Mapping[str, str], hidden: Tuple[Path, ...]) -> None:
        self.facts = facts
        self._environ = environ
        self._hidden = hidden

    def executor(self, slot: str, lock: int) -> Executor:
        return ProcessExecutor(lock, environ_of(slot, self.facts, self._environ), self._hidden)

    def sweep(self, slot: str) -> None:
        """Processes are found by their home, see `child.remains`."""


class _Containers:
    """Measures each image once, when the worker starts."""

    def __init__(
        self, allowed: ContainerSettings, settings: WorkerSettings, device: DeviceFacts, environ: Mapping[str, str]
    ) -> None:
        # Only such a worker needs the packages of the extra `containers`.
        from .containers.engine import Engine
        from .containers.executor import Allowance
        from .containers.offers import facts_with, measure

        memory_bytes = settings.memory_bytes or device.memory_bytes
        self._environ = environ
        self._data = settings.data
        self._engine = Engine(environ)
        self._allowance = Allowance(memory_bytes, allowed.scratch_bytes, allowed.pids, allowed.cpus)
        self._device = device
        log.info("measuring %s", ", ".join(allowed.images))
        cards = cards_for(None, device)
        self._toolchains = [
            measure(self._engine, self._allowance.box(image, cards, {}, environ)) for image in allowed.images
        ]
        self.facts = facts_with(device, self._toolchains)

    def executor(self, slot: str, lock: int) -> Executor:
        # The lock is this worker's alone: what a container holds is found by its labels.
        from .containers.executor import ContainerExecutor, labels_of

        return ContainerExecutor(
            self._engine,
            self._toolchains,
            self._allowance,
            cards_for(slot, self._device),
            labels_of(self._data, slot),
            self._environ,
        )

    def sweep(self, slot: str) -> None:
        from .containers.executor import labels_of

        found = self._engine.remove(labels_of(self._data, slot))
        if found:
            log.info("removed %d containers that an earlier worker left of %s", found, slot)


def cards_for(slot: Optional[str], device: DeviceFacts) -> Optional[Cards]:
    """What a container of a slot sees; of no slot, all that there is."""
    from .containers.box import Cards

    integrated = device.l4t is not None
    if slot is None:
        return Cards(integrated=integrated) if device.gpus else None
    card = card_of(slot, device)
    if card is None:
        return None
    return Cards((card.uuid,) if card.uuid and not integrated else (), integrated)
