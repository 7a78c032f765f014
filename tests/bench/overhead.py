"""What the farm adds to the work: `farm submit --wait` without the time of the children, and a submit of what is there.

The children's time is that of the attempts, from their inputs to their exit. Targets: at most 0.5 s for a whole
command, at most 50 ms in the coordinator for a cached submit.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import onnx

from farm.client.transport import Transport
from farm.protocol.states import State
from farm.protocol.views import SubmissionView
from tests.e2e.fleet import QUICK, Fleet
from tests.support import models
from tests.support.services import broker, postgres

from .figures import Row, median_of

COMMAND_S, COORDINATOR_MS = 0.5, 50.0
_ROUNDS, _POSTS = 5, 40
# About 9 MB of weights: the largest model that a cached submit promises its time for.
_CHANNELS, _BLOCKS = 350, 2
_QUICK = ("--duration", QUICK.duration_s, "--iterations", QUICK.iterations, "--max-cv", QUICK.max_cv_percent)


def measure() -> list[Row]:
    """On each of the two set-ups."""
    rows: list[Row] = []
    for name, set_up in (("embedded", _embedded), ("PostgreSQL + broker", _services)):
        with tempfile.TemporaryDirectory(prefix="farm-bench-") as folder, set_up(Path(folder)) as farm:
            farm.worker("box")
            rows += _rows(farm, name)
    return rows


@contextmanager
def _embedded(folder: Path) -> Iterator[Fleet]:
    made = Fleet(folder)
    with _up(made):
        yield made


@contextmanager
def _services(folder: Path) -> Iterator[Fleet]:
    with ExitStack() as stack:
        server = stack.enter_context(postgres(os.environ, durable=True))
        url = stack.enter_context(server.database())
        made = Fleet(folder, url, stack.enter_context(broker(os.environ)).database())
        stack.enter_context(_up(made))
        yield made


@contextmanager
def _up(made: Fleet) -> Iterator[None]:
    # As a farm runs that nobody tests: the usual lease, the usual heartbeat.
    for name in ("FARM_LEASE_TTL_S", "FARM_HEARTBEAT_S", "FARM_POLL_S"):
        del made.coordinator.environ[name]
    try:
        made.up()
        yield
    finally:
        made.down()


def _rows(farm: Fleet, name: str) -> list[Row]:
    overheads = [_overhead_s(farm, _net(farm.folder, seed, 4, 1)) for seed in range(_ROUNDS)]
    large = _net(farm.folder, _ROUNDS, _CHANNELS, _BLOCKS)
    _overhead_s(farm, large)
    cached = [_cached_s(farm, large) for _ in range(_ROUNDS)]
    return [
        median_of(f"submit --wait without its children, {name}", overheads, "s", COMMAND_S),
        median_of(f"cached submit, the whole command, {name}", cached, "s", COMMAND_S),
        median_of(f"cached submit, in the coordinator, {name}", _posts_ms(farm), "ms", COORDINATOR_MS),
    ]


def _overhead_s(farm: Fleet, model: Path) -> float:
    wall_s, view = _submit(farm, model, State.DONE)
    return wall_s - sum(item.child_ms for item in farm.attempts(view)) / 1000


def _cached_s(farm: Fleet, model: Path) -> float:
    return _submit(farm, model, State.CACHED)[0]


def _submit(farm: Fleet, model: Path, state: State) -> tuple[float, SubmissionView]:
    began_s = time.perf_counter()
    told = farm.json("submit", model, "--targets", "cpu", "--wait", *_QUICK)
    wall_s = time.perf_counter() - began_s
    view = farm.client.status(told["id"])
    assert [item.state for item in view.builds] == [state], farm.story(view)
    return wall_s, view


def _posts_ms(farm: Fleet) -> list[float]:
    """The same submission again and again over one connection, each time a new one to the coordinator."""
    newest = farm.client.list(limit=1)[0]
    ask = farm.client.ask(newest.id)
    transport = Transport(farm.url, (farm.folder / "data/admin.token").read_text().strip())
    found = []
    try:
        for number in range(_POSTS):
            again = replace(ask, idempotency=f"bench-{number}")
            began_s = time.perf_counter()
            told = transport.plain("POST", "/submissions", again)
            found.append(1000 * (time.perf_counter() - began_s))
            assert [item["state"] for item in told["builds"]] == [State.CACHED]
    finally:
        transport.close()
    return found


def _net(folder: Path, seed: int, channels: int, blocks: int) -> Path:
    path = folder / f"bench{seed}.onnx"
    onnx.save(models.conv_net(seed=seed, channels=channels, blocks=blocks), str(path))
    return path
