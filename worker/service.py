"""A worker as a process: its locks, its signals, its end."""

from __future__ import annotations

import logging
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import Mapping

from farm.device.clock_keeper import ClockKeeper
from farm.device.machine import Machine
from farm.device.probe import probe
from farm.folders import named_folders
from farm.hiding import hide
from worker.child import landlock

from .agent import Agent
from .cards import card_of
from .child.failpoints import Failpoints, parse
from .child.remains import end_remains
from .configuration import WorkerSettings, enrolment
from .coordinator import Coordinator
from .house import House, open_house
from .lease.libraries import Workbench
from .lease.patience import GaveUp, Patience
from .lease.shop import Shop
from .lease.transfer import Cache
from .lease.workspace import remove
from .slots import held
from .stop_signals import StopSignals
from .vitals import Vitals

log = logging.getLogger("farm.worker")

_LOG_LINE = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_RELEASE_S = 5.0
_LOOK_S = 0.1


def run(url: str, token: str, settings: WorkerSettings, environ: Mapping[str, str]) -> None:
    """Serve until told to stop. To be called by the main thread.

    Args:
        url: Of the coordinator.
        token: With the scope `worker`.
        settings: Of this worker.
        environ: What children inherit a little of.

    Raises: FarmError: this machine cannot be what it should, a slot is taken, or the coordinator refuses it.
    """
    logging.basicConfig(level=logging.INFO, format=_LOG_LINE, stream=sys.stderr)
    for chatty in ("httpx", "httpcore", "celery", "kombu", "amqp"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    hide()
    if not landlock.version():
        log.warning("this kernel has no Landlock: builds can read the files of this user, tokens among them")
    heard = StopSignals()
    machine = Machine(search=named_folders(environ))
    house = open_house(settings, probe(machine), environ)
    introduced = enrolment(settings, house.facts)
    bench = Workbench(introduced.facts.toolchain, machine)
    stopping = threading.Event()
    with ExitStack() as stack:
        cache = Cache(settings.data / "cache", settings.cache_bytes)
        shops = {
            name: replace(_shop(settings, house, name, cache, stopping, stack), bench=bench)
            for name in introduced.slots
        }
        coordinator = Coordinator(url, token)
        stack.callback(coordinator.close)
        agent = Agent(coordinator, introduced, shops, stopping, Vitals(settings.data))
        stack.callback(agent.close)
        try:
            with heard.also(stopping):
                agent.start()
        except GaveUp:
            return
        _serve(agent, heard, settings.grace_s)
    log.info("stopped")


def _shop(
    settings: WorkerSettings,
    house: House,
    name: str,
    cache: Cache,
    stopping: threading.Event,
    stack: ExitStack,
) -> Shop:
    lock = stack.enter_context(held(settings.data / "slots", name))
    folder = settings.data / "work" / name
    executor = house.executor(name, lock)
    # Of a worker that was killed.
    house.sweep(name)
    end_remains(folder)
    remove(folder)
    folder.mkdir(parents=True, mode=0o700)
    card = card_of(name, house.facts)
    clocks = ClockKeeper(settings.clocks, card.uuid if card else None, settings.data / "clocks" / f"{name}.json")
    clocks.release()
    faults = parse(settings.failpoints)
    return Shop(
        folder=folder,
        failed=settings.data / "failed",
        executor=executor,
        cache=cache,
        patience=Patience(stopping),
        faults=lambda halt: Failpoints(faults, halt.sleep),
        memory_bytes=settings.memory_bytes,
        clocks=clocks,
    )


def _serve(agent: Agent, heard: StopSignals, grace_s: float) -> None:
    heard.first.wait()
    log.info("stopping: running work may take %g s more; a second signal hands it back at once", grace_s)
    agent.drain()
    until = time.monotonic() + grace_s
    while time.monotonic() < until and not heard.second.is_set() and not agent.wait_free(_LOOK_S):
        pass
    agent.release("the worker was stopped")
    agent.wait_free(_RELEASE_S)
