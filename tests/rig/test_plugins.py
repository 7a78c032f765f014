"""Plugins on their whole way: added by a user, compiled by CMake and nvcc on a worker, parsed into a real engine."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from farm.protocol.exits import Exit
from farm.protocol.options import BuildOptions
from farm.protocol.plugins import LIBRARY_FOLDER, library_name
from farm.protocol.report import FailureKind
from farm.protocol.states import State
from farm.protocol.views import BuildView, SubmissionView
from tests.e2e.fleet import Fleet
from tests.support.own_models import with_operator
from tests.support.own_plugin import own_plugin
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import until

from .compilers import compilers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

# nvcc on a busy machine takes its time.
_COMPILED_S = 600.0
# Two, since each takes a compiler seconds.
CARDS = BuildOptions(backend_options={"computeCapabilities": "8.6,12.0"})


def stages(build: BuildView) -> list[State]:
    return [item.state for item in build.attempts[-1].stages]


def built(fleet: Fleet, model: Path) -> tuple[SubmissionView, BuildView]:
    """A model, built ahead of time to its end."""
    view = fleet.ended(fleet.submit(model, "rtx-aot", build=CARDS), _COMPILED_S)
    return view, fleet.build(view)


@pytest.fixture(scope="module")
def doubling(smithy: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """The fleet, with a user's plugin that doubles, and of which compilers warn."""
    odd = "__global__ void odd(int* x) { int never_read; *x = 1; }"
    folder = own_plugin(tmp_path_factory.mktemp("plugins"), more=odd)
    assert smithy.farm("plugin", "add", folder).code == Exit.DONE
    return smithy


def test_a_plugin_is_compiled_once_and_travels_with_every_engine(doubling: Fleet, tmp_path: Path) -> None:
    view, build = built(doubling, with_operator(tmp_path, "first", "TestDouble"))
    assert [item.state for item in view.builds] == [State.DONE], doubling.story(view)
    assert stages(build) == [State.COMPILING, State.BUILDING, State.PUBLISHING]
    log = doubling.farm("logs", build.id).out
    assert "Building CUDA object" in log
    assert 'variable "never_read" was declared but never referenced' in log, "a warning is told, and ends nothing"
    assert "Successfully created plugin: TestDouble" in log

    (engine,) = doubling.engines(view)
    manifest = doubling.client.engines.show(engine.id).manifest
    (library,) = (item for item in manifest.files if item.name.startswith(LIBRARY_FOLDER))
    assert library.name == f"{LIBRARY_FOLDER}/{library_name('test_double')}"
    told = manifest.effective["plugins"]["test_double"]
    assert told["library"] == library.sha256
    assert told["source"] == manifest.key.plugins["test_double"]
    assert told["compiled_by"] == "smith"
    assert told["machine_code"] == ["8.6", "12.0"]
    assert told["exported"] == ["getCreators", "setLoggerFinder"]
    assert told["compilers"]["tensorrt_headers"]
    assert told["compile_s"] > 0

    again, other = built(doubling, with_operator(tmp_path, "second", "TestDouble", seed=1))
    assert [item.state for item in again.builds] == [State.DONE], doubling.story(again)
    assert stages(other) == [State.BUILDING, State.PUBLISHING]
    log = doubling.farm("logs", other.id).out
    assert f"the library of test_double is {library.sha256[:12]}, compiled by smith" in log
    (second,) = doubling.engines(again)
    assert library in doubling.client.engines.show(second.id).manifest.files


def test_a_library_that_was_tampered_with_is_compiled_anew(doubling: Fleet, tmp_path: Path) -> None:
    view, _ = built(doubling, with_operator(tmp_path, "before", "TestDouble", seed=2))
    (engine,) = doubling.engines(view)
    manifest = doubling.client.engines.show(engine.id).manifest
    (library,) = (item for item in manifest.files if item.name.startswith(LIBRARY_FOLDER))
    for path in (*doubling.data.rglob(library.sha256), doubling.folder / "smith" / "cache" / library.sha256):
        path.chmod(0o644)
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)

    after, build = built(doubling, with_operator(tmp_path, "after", "TestDouble", seed=3))
    assert [item.state for item in after.builds] == [State.DONE], doubling.story(after)
    assert stages(build)[0] is State.COMPILING
    assert "damaged" in doubling.workers["smith"].said()
    (engine,) = doubling.engines(after)
    names = [item.name for item in doubling.client.engines.show(engine.id).manifest.files]
    assert f"{LIBRARY_FOLDER}/{library_name('test_double')}" in names


def test_a_compile_error_is_the_failure_with_the_compilers_lines(smithy: Fleet, tmp_path: Path) -> None:
    folder = own_plugin(tmp_path, "broken", "TestBroken", more="const int half = undefined_name;")
    assert smithy.farm("plugin", "add", folder).code == Exit.DONE
    view, build = built(smithy, with_operator(tmp_path, "never", "TestBroken"))
    assert [item.state for item in view.builds] == [State.FAILED]
    failure = build.attempts[-1].failure
    assert failure is not None
    assert (failure.kind, failure.stage) == (FailureKind.FAILED, State.COMPILING)
    said = 'broken/kernel.cu(7): error: identifier "undefined_name" is undefined'
    assert failure.message == f"the plugin broken does not compile: {said}"
    assert f"{said}\n  const int half = undefined_name;" in failure.log_tail
    assert smithy.engines(view) == ()
    script = Path(str(failure.reproduce).partition("sh ")[2])
    assert (script.parent / "input/broken/broken/kernel.cu").exists()


def test_a_cancel_ends_the_compilers_at_once(smithy: Fleet, tmp_path: Path) -> None:
    # Thousands of kernels: nobody compiles them before the cancel.
    kernel = "template <int N> __global__ void many(float* x) { for (int i = 0; i < N; ++i) x[i] = x[i + 1] * N; }\n"
    many = "".join(f"template __global__ void many<{number}>(float*);\n" for number in range(4000))
    folder = own_plugin(tmp_path, "endless", "TestEndless", more=kernel + many)
    assert smithy.farm("plugin", "add", folder).code == Exit.DONE
    view = smithy.submit(with_operator(tmp_path, "cancelled", "TestEndless"), "rtx-aot", build=CARDS)
    attempt = smithy.in_stage(view, State.COMPILING)
    worker = smithy.workers["smith"]
    until(lambda: compilers(worker.descendants()), 120, worker.said())
    below = worker.descendants()
    with Stopwatch() as watch:
        smithy.client.cancel(view.id)
        psutil.wait_procs(below, timeout=20)
    assert watch.own_s < 2
    assert not any(process.is_running() for process in below)
    assert [item.state for item in smithy.ended(view).builds] == [State.CANCELLED]
    assert attempt.id == smithy.build(view).attempts[-1].id
