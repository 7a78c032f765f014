"""Workers and coordinators that die while plugins are compiled: one library, one engine, no compiler left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.protocol.exits import Exit
from farm.protocol.options import BuildOptions
from farm.protocol.states import AttemptEnd, State
from farm.protocol.views import SubmissionView
from tests.e2e.fleet import Fleet, ends, fleet, stage_of
from tests.e2e.history import landed, long, now
from tests.e2e.process import ROOT, Process, alive
from tests.support.own_models import with_operator
from tests.support.own_plugin import own_plugin
from tests.support.waiting import until

from .compilers import compilers

pytestmark = [pytest.mark.fault, pytest.mark.slow, pytest.mark.timeout(900)]

CARD = BuildOptions(backend_options={"computeCapabilities": "8.6"})
_COMPILED_S = 600.0


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A coordinator and a worker that prepares graphs; who compiles is up to the test."""
    with fleet(tmp_path_factory.mktemp("forge"), broker_url="none") as made:
        made.worker("helper", "--roles", "host")
        yield made


def smith(forge: Fleet, name: str, rig: Path, toolchain: str, **environ: str) -> Process:
    """A worker that builds ahead of time and can compile plugins."""
    environ = {"PYTHONPATH": f"{ROOT}{os.pathsep}{rig}", "FARM_TOOLCHAIN": toolchain, **environ}
    return forge.worker(name, "--roles", "device", **environ)


def submitted(forge: Fleet, folder: Path, name: str) -> SubmissionView:
    """A model with a new plugin, being built for one card."""
    operator = f"Test{name.title()}"
    assert forge.farm("plugin", "add", own_plugin(folder, name, operator)).code == Exit.DONE
    return forge.submit(with_operator(folder, f"model_{name}", operator), "rtx-aot", build=CARD)


def one_library_and_engine(forge: Fleet, view: SubmissionView, name: str) -> None:
    """What holds at the end of each of these stories."""
    ended = forge.ended(view, _COMPILED_S)
    assert [item.state for item in ended.builds] == [State.DONE], forge.story(view)
    assert len(forge.engines(view)) == 1
    assert ends(forge.build(view).attempts).count(AttemptEnd.PUBLISHED) == 1
    assert len(forge.client.plugins.show(name).libraries) == 1


def test_a_worker_is_killed_among_its_compilers(forge: Fleet, tmp_path: Path, rig: Path, toolchain: str) -> None:
    worker = smith(forge, "mortal", rig, toolchain)
    view = submitted(forge, tmp_path, "anvil")
    first = forge.in_stage(view, State.COMPILING, lambda: forge.build(view).attempts)
    until(lambda: compilers(worker.descendants()), 120, worker.said())
    below = worker.descendants()
    worker.kill()
    until(lambda: not alive(below), 20, f"{alive(below)} outlived their worker")
    worker.start()
    one_library_and_engine(forge, view, "anvil")
    lost, *_, last = forge.build(view).attempts
    assert (lost.id, lost.end, stage_of(lost)) == (first.id, AttemptEnd.EXPIRED, State.COMPILING)
    assert State.COMPILING in [item.state for item in last.stages]
    forge.retire(worker)


def test_the_coordinator_is_killed_while_a_worker_compiles(
    forge: Fleet, tmp_path: Path, rig: Path, toolchain: str
) -> None:
    worker = smith(forge, "steady", rig, toolchain, FARM_FAILPOINTS=long(State.COMPILING))
    view = submitted(forge, tmp_path, "hammer")
    first = forge.in_stage(view, State.COMPILING, lambda: forge.build(view).attempts)
    killed = now()
    forge.coordinator.kill()
    forge.up()
    one_library_and_engine(forge, view, "hammer")
    (only,) = forge.build(view).attempts
    assert (only.id, only.end) == (first.id, AttemptEnd.PUBLISHED)
    landed(only, State.COMPILING, killed)
    forge.retire(worker)
