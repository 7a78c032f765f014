"""Compiled libraries on each database: who may share which, who was first, and builds that only compile."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from farm.protocol.errors import Conflict, Forbidden, Invalid, LeaseLost, TargetUnavailable, Unsupported
from farm.protocol.facts import DeviceFacts
from farm.protocol.plugins import (
    Compiled,
    PluginKey,
    PluginLibrary,
    PluginLibraryAsk,
    PluginLibraryMade,
    plugin_key,
)
from farm.protocol.report import FailureKind
from farm.protocol.states import Role, State
from farm.protocol.submit import SubmitAsk
from farm.protocol.views import SubmissionView
from farm.protocol.work import Claim, Enrolment
from orchestrator.services import enrolment, garbage, models, plugin_libraries, plugins, rights, submissions
from orchestrator.services.policy import Policy
from orchestrator.store import plugin_libraries as rows
from tests.support.coordinator import Coordinator, Talker, gpu_facts

from .catalog import CARD

TOOLCHAIN = {"nvcc": "11.8.89", "cxx": "gcc-12.2.0", "cmake": "3.25.1"}


@pytest.fixture
def host(host: Talker) -> Talker:
    host.operators = ("cummax",)
    return host


def enrol(farm: Coordinator, name: str, group: str = "default", facts: DeviceFacts | None = None) -> Talker:
    return farm.enrol(name, facts or gpu_facts(), (Role.DEVICE,), ("gpu0",), group)


def claim(farm: Coordinator, host: Talker, box: Talker, content: bytes, targets: tuple[str, ...] = CARD) -> Claim:
    """The build of a new model with `cummax`, claimed."""
    farm.submit(content, targets)
    host.serve()
    found = box.claim()
    assert found
    assert found.build
    return found


def key_of(held: Claim, **toolchain: str) -> PluginKey:
    """The key as a worker computes it."""
    assert held.build
    (plugin,) = held.build.plugins
    target = held.build.key.target
    assert target.gpu
    capability = (target.gpu.compute_capability,)
    return plugin_key(plugin.name, plugin.source, target, capability, {**TOOLCHAIN, **toolchain}, ("-O3",))


def find(farm: Coordinator, box: Talker, held: Claim, key: PluginKey | None = None) -> PluginLibrary | None:
    asked = PluginLibraryAsk(held.lease.token, key or key_of(held))
    return plugin_libraries.find(farm.context, box.caller, held.lease.attempt, asked).library


def publish(farm: Coordinator, box: Talker, held: Claim, content: bytes = b"ELF", **changed: Any) -> PluginLibrary:
    stored = farm.context.blobs.put_bytes(content)
    made = PluginLibraryMade(
        held.lease.token, key_of(held), stored.sha256, stored.size_bytes, 12.5, {"nvcc": "V11.8.89"}, {"sms": ["9.0"]}
    )
    answer = plugin_libraries.publish(farm.context, box.caller, held.lease.attempt, replace(made, **changed))
    assert answer.library
    return answer.library


def test_what_one_device_compiles_the_next_of_its_target_is_given(farm: Coordinator, host: Talker) -> None:
    one, other = enrol(farm, "a"), enrol(farm, "b")
    first = claim(farm, host, one, b"first")
    assert find(farm, one, first) is None
    made = publish(farm, one, first)
    assert (made.device, made.attempt, made.compile_s) == ("a", first.lease.attempt, 12.5)
    assert (made.compilers, made.inspected) == ({"nvcc": "V11.8.89"}, {"sms": ["9.0"]})
    second = claim(farm, host, other, b"second")
    assert find(farm, other, second) == made
    assert rights.may_read(farm.context, other.caller, made.sha256) == second.lease.attempt
    assert plugins.show(farm.context, "cummax").libraries == (made,)
    assert plugins.every(farm.context)[0].libraries == 1


def test_who_was_second_gets_the_first_and_nothing_is_overwritten(farm: Coordinator, host: Talker) -> None:
    one, other = enrol(farm, "a"), enrol(farm, "b")
    first, second = claim(farm, host, one, b"first"), claim(farm, host, other, b"second")
    made = publish(farm, one, first, b"ELF of a")
    assert publish(farm, other, second, b"ELF of b") == made
    assert publish(farm, one, first, b"ELF of a") == made, "a repeat"
    assert plugins.show(farm.context, "cummax").libraries == (made,)


def test_devices_that_publish_at_once_agree_on_one(farm: Coordinator, host: Talker) -> None:
    boxes = [enrol(farm, f"box-{number}") for number in range(4)]
    held = [claim(farm, host, box, str(box.caller.device).encode()) for box in boxes]
    with ThreadPoolExecutor(len(boxes)) as pool:
        answers = list(pool.map(lambda at: publish(farm, boxes[at], held[at], b"ELF %d" % at), range(len(boxes))))
    assert len(set(map(repr, answers))) == 1
    assert plugins.show(farm.context, "cummax").libraries == (answers[0],)


def test_another_trust_group_and_another_target_share_nothing(farm: Coordinator, host: Talker) -> None:
    box, stranger = enrol(farm, "a"), enrol(farm, "b", "lab")
    other = enrol(farm, "c", facts=gpu_facts(version="8.6.1.6"))
    made = publish(farm, box, claim(farm, host, box, b"first", ("a",)))
    theirs = claim(farm, host, stranger, b"second", ("b",))
    assert find(farm, stranger, theirs) is None
    with pytest.raises(Forbidden):
        rights.may_read(farm.context, stranger.caller, made.sha256)
    elsewhere = claim(farm, host, other, b"first", ("c",))
    assert find(farm, other, elsewhere) is None
    mine = publish(farm, stranger, theirs, b"ELF of the lab")
    assert (mine.trust_group, mine.sha256 != made.sha256) == ("lab", True)


def test_a_token_says_which_trust_group_its_device_is_in(farm: Coordinator) -> None:
    box = enrol(farm, "a")
    asked = Enrolment("a", gpu_facts(), box.roles, ("gpu0",), (), "lab")
    with pytest.raises(Forbidden, match="this token is for the trust group 'default', not 'lab'"):
        enrolment.enrol(farm.context, asked, box.caller)


def test_another_compiler_is_another_library(farm: Coordinator, host: Talker) -> None:
    box = enrol(farm, "a")
    held = claim(farm, host, box, b"first")
    publish(farm, box, held)
    assert find(farm, box, held, key_of(held, cxx="gcc-13.1.0")) is None
    assert find(farm, box, held, key_of(held, cmake="4.0.0")), "CMake only calls the compilers"


def test_a_key_that_the_lease_does_not_give_is_refused(farm: Coordinator, host: Talker) -> None:
    box, other = enrol(farm, "a"), enrol(farm, "b")
    held = claim(farm, host, box, b"first")
    key = key_of(held)
    forged: dict[str, Any] = {
        "plugin": "twice",
        "source": "0" * 64,
        "common": "0" * 64,
        "compute_capabilities": ("7.2",),
        "architecture": "aarch64",
        "libc": "glibc-2.17",
        "backend": "tensorrt_rtx",
        "tensorrt": "10.4",
        "cuda": "11.4",
    }
    for field, value in forged.items():
        wrong = replace(key, **{field: value})
        with pytest.raises(Forbidden):
            find(farm, box, held, wrong)
        with pytest.raises(Forbidden):
            publish(farm, box, held, key=wrong)
    with pytest.raises(LeaseLost):
        find(farm, other, held)
    with pytest.raises(LeaseLost):
        publish(farm, box, held, token=held.lease.token + 1)
    box.publish(held)
    with pytest.raises(LeaseLost):
        publish(farm, box, held)
    assert plugins.show(farm.context, "cummax").libraries == ()


def test_a_library_that_is_not_stored_or_not_as_told_is_not_taken(farm: Coordinator, host: Talker) -> None:
    box = enrol(farm, "a")
    held = claim(farm, host, box, b"first")
    with pytest.raises(Conflict) as refused:
        publish(farm, box, held, sha256="0" * 64)
    assert refused.value.details["missing"] == ["0" * 64]
    with pytest.raises(Invalid, match="has 3 bytes, not 4"):
        publish(farm, box, held, size_bytes=4)
    with pytest.raises(Invalid):
        publish(farm, box, held, b"", size_bytes=0)


def test_a_library_that_rotted_is_compiled_again(farm: Coordinator, host: Talker) -> None:
    box = enrol(farm, "a")
    held = claim(farm, host, box, b"first")
    made = publish(farm, box, held)
    farm.context.blobs.quarantine(made.sha256)
    assert find(farm, box, held) is None
    anew = publish(farm, box, held, b"ELF again")
    assert find(farm, box, held) == anew


def test_libraries_stay_as_long_as_their_source(farm: Coordinator, host: Talker) -> None:
    farm.context = replace(farm.context, policy=Policy(keep_s=0.0))
    box = enrol(farm, "a")
    held = claim(farm, host, box, b"first")
    made = publish(farm, box, held)
    garbage.sweep(farm.context, dry_run=False)
    assert farm.context.blobs.exists(made.sha256)
    (farm.context.plugins / "cummax" / "kernel.cu").write_text("// another kernel\n")
    plugins.publish_shipped(farm.context)
    garbage.sweep(farm.context, dry_run=False)
    assert find(farm, box, held) == made, "a build has its source"
    box.publish(held)
    farm.clock.pass_s(1.0)
    assert garbage.sweep(farm.context, dry_run=True).blobs > 0
    garbage.sweep(farm.context, dry_run=False)
    assert not farm.context.blobs.exists(made.sha256)
    with farm.context.database.read() as connection:
        assert rows.of_source(connection, made.source) == ()


def compile_only(farm: Coordinator, *plugins: str, targets: tuple[str, ...] = CARD, **more: Any) -> SubmissionView:
    ask = SubmitAsk("cummax", None, targets, plugins=plugins, **more)
    return submissions.submit(farm.context, ask, farm.user)


def complete(farm: Coordinator, box: Talker, held: Claim) -> None:
    plugin_libraries.compiled(farm.context, box.caller, held.lease.attempt, Compiled(held.lease.token, 10.0))


def test_a_plugin_is_compiled_ahead_of_any_model_and_needs_no_host(farm: Coordinator) -> None:
    box = enrol(farm, "a")
    submission = compile_only(farm, "cummax")
    held = box.claim()
    assert held
    assert held.build
    assert held.build.only_compiles
    assert held.build.prepared.blobs == ()
    assert held.build.timing_cache is None
    with pytest.raises(Conflict, match="there is no library of cummax yet"):
        complete(farm, box, held)
    made = publish(farm, box, held)
    complete(farm, box, held)
    complete(farm, box, held)
    (request,) = farm.show(submission).builds
    assert (request.state, request.engine, request.exit_code) == (State.DONE, None, 0)
    assert plugins.show(farm.context, "cummax").libraries == (made,)
    assert models.every(farm.context) == ()
    host = farm.enrol("host", roles=(Role.HOST,))
    host.operators = ("cummax",)
    assert find(farm, box, claim(farm, host, box, b"first")) == made, "and the next model is given it"


def test_a_build_that_only_compiles_gives_no_engine_and_others_do_not_only_compile(
    farm: Coordinator, host: Talker
) -> None:
    box = enrol(farm, "a")
    whole = claim(farm, host, box, b"first")
    with pytest.raises(Conflict, match="is more than to compile plugins"):
        complete(farm, box, whole)
    box.publish(whole)
    compile_only(farm, "cummax")
    held = box.claim()
    assert held
    publish(farm, box, held)
    with pytest.raises(Invalid, match="only plugins were to be compiled"):
        box.publish(held)


def test_what_did_not_compile_is_compiled_again_only_with_force(farm: Coordinator) -> None:
    box = enrol(farm, "a")
    compile_only(farm, "cummax")
    held = box.claim()
    assert held
    box.fail(held, FailureKind.FAILED)
    (again,) = compile_only(farm, "cummax").builds
    assert again.state is State.FAILED
    assert "submit with --force" in again.reason
    (forced,) = compile_only(farm, "cummax", force=True).builds
    assert forced.state is State.QUEUED


def test_to_compile_nothing_or_for_nobody_is_refused(farm: Coordinator) -> None:
    enrol(farm, "a")
    with pytest.raises(Invalid, match="neither a model nor a plugin"):
        compile_only(farm)
    with pytest.raises(TargetUnavailable):
        compile_only(farm, "cummax", targets=("v100",))
    farm.enrol("cpu")
    with pytest.raises(Unsupported, match="takes no plugins"):
        compile_only(farm, "cummax", targets=("cpu",))
