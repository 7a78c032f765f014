"""Plugins on each database: added, found by the operators of a graph, in keys, handed to builds, collected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from farm.plugins.folder import read_folder
from farm.protocol.errors import Conflict, Forbidden, Invalid, NotFound, Unsupported
from farm.protocol.plugin_views import PluginAsk, PluginDetail
from farm.protocol.states import Role, Scope, State
from farm.protocol.work import Claim
from orchestrator.services import engines, garbage, planning, plugins, rights, submissions
from orchestrator.services.caller import Caller
from orchestrator.services.policy import Policy
from tests.support.coordinator import Coordinator, Talker, coordinator, gpu_facts
from tests.support.plugins import write_plugin, write_shipped

USER = Caller("tok-user", "user", Scope.SUBMIT)
CARD = ("backend=tensorrt",)


@pytest.fixture
def farm(database_url: str, tmp_path: Path) -> Iterator[Coordinator]:
    with coordinator(database_url, tmp_path) as made:
        made.context = replace(made.context, plugins=write_shipped(tmp_path / "shipped"))
        plugins.publish_shipped(made.context)
        yield made


@pytest.fixture
def host(farm: Coordinator) -> Talker:
    return farm.enrol("host", roles=(Role.HOST,))


@pytest.fixture
def box(farm: Coordinator) -> Talker:
    return farm.enrol("a", gpu_facts(), (Role.DEVICE,), ("gpu0",))


def add(farm: Coordinator, folder: Path) -> PluginDetail:
    plugin = read_folder(folder)
    for path in plugin.paths.values():
        farm.context.blobs.put_bytes(path.read_bytes())
    return plugins.add(farm.context, USER, PluginAsk(plugin.files))


def source_of(farm: Coordinator, name: str) -> str:
    return plugins.show(farm.context, name).plugin.source


def claim(box: Talker) -> Claim:
    found = box.claim()
    assert found
    assert found.build
    return found


def test_what_came_with_farm_is_there_and_a_restart_follows_it(farm: Coordinator) -> None:
    (view,) = plugins.every(farm.context)
    assert (view.name, view.builtin, view.operators, view.updated_by) == ("cummax", True, ("cummax",), "farm")
    source = plugins.show(farm.context, "cummax").source
    assert [item.name for item in source.files] == ["kernel.cu", "plugin.cpp", "plugin.toml"]
    assert [item.name for item in source.common] == ["CMakeLists.txt", "common/launch.cuh"]
    assert all(farm.context.blobs.exists(sha256) for sha256 in source.blobs)
    plugins.publish_shipped(farm.context)
    assert plugins.every(farm.context) == (view,)
    (farm.context.plugins / "common" / "launch.cuh").write_text("#pragma once\n// another\n")
    plugins.publish_shipped(farm.context)
    assert source_of(farm, "cummax") not in (view.source, "")
    (farm.context.plugins / "cummax" / "plugin.toml").unlink()
    plugins.publish_shipped(farm.context)
    assert plugins.every(farm.context) == ()


def test_a_plugin_that_cannot_be_read_is_left_out_and_the_others_are_there(farm: Coordinator) -> None:
    broken = write_plugin(farm.context.plugins, "broken")
    (broken / "plugin.toml").write_text("name =\n")
    write_plugin(farm.context.plugins, "another")
    plugins.publish_shipped(farm.context)
    assert [view.name for view in plugins.every(farm.context)] == ["another", "cummax"]


def test_a_user_adds_changes_and_removes_a_plugin(farm: Coordinator, tmp_path: Path) -> None:
    folder = write_plugin(tmp_path, "twice", ("Twice", "Double"))
    made = add(farm, folder)
    assert (made.plugin.operators, made.plugin.builtin, made.plugin.updated_by) == (("Twice", "Double"), False, "user")
    assert made.manifest.attributes[0].default == 2.0
    assert add(farm, folder) == made, "a repeat changes nothing"
    write_plugin(tmp_path, "twice", ("Twice",), kernel="// 2 * x\n")
    changed = add(farm, folder)
    assert changed.plugin.source != made.plugin.source
    assert plugins.remove(farm.context, "twice").source == changed.plugin.source
    with pytest.raises(NotFound):
        plugins.show(farm.context, "twice")


def test_readme_and_reference_are_no_sources(farm: Coordinator, tmp_path: Path) -> None:
    folder = write_plugin(tmp_path, "twice")
    first = add(farm, folder)
    (folder / "README.md").write_text("Other words.\n")
    (folder / "reference.py").write_text("# nothing\n")
    (folder / "kernel_test.cu").write_text("// a test\n")
    assert add(farm, folder) == first


def test_what_is_no_plugin_is_refused(farm: Coordinator, tmp_path: Path) -> None:
    plugin = read_folder(write_plugin(tmp_path, "twice"))
    with pytest.raises(Conflict) as refused:
        plugins.add(farm.context, USER, PluginAsk(plugin.files))
    # The kernel is the same as that of cummax, which is stored.
    assert refused.value.details["missing"] == [item.sha256 for item in plugin.files if item.name == "plugin.toml"]
    add(farm, tmp_path / "twice")
    toml = next(item for item in plugin.files if item.name == "plugin.toml")
    others = tuple(item for item in plugin.files if item is not toml)
    for files in (others, (toml,), (*plugin.files, toml), (*others, replace(toml, name="../plugin.toml"))):
        with pytest.raises(Invalid):
            plugins.add(farm.context, USER, PluginAsk(files))
    with pytest.raises(Invalid, match="bytes, not 1"):
        plugins.add(farm.context, USER, PluginAsk((*others, replace(toml, size_bytes=1))))
    taken = write_plugin(tmp_path / "other", "cummax")
    with pytest.raises(Conflict, match="came with farm"):
        add(farm, taken)
    with pytest.raises(Conflict, match="came with farm"):
        plugins.remove(farm.context, "cummax")


def test_the_first_build_of_a_model_gets_the_plugin_that_its_preparation_finds(
    farm: Coordinator, host: Talker, box: Talker
) -> None:
    host.operators = ("mmcv::cummax",)
    submission = farm.submit(targets=CARD)
    (before,) = farm.show(submission).builds
    host.serve()
    (after,) = farm.show(submission).builds
    assert (after.build, after.state) == (before.build, State.QUEUED)
    assert after.key != before.key
    held = claim(box)
    assert held.build
    assert held.build.key.digest == after.key
    assert held.build.key.plugins == {"cummax": source_of(farm, "cummax")}
    (given,) = held.build.plugins
    assert (given.name, given.operators, given.source.digest) == ("cummax", ("cummax",), source_of(farm, "cummax"))
    made = box.publish(held)
    manifest = engines.show(farm.context, made.engine).manifest
    assert manifest.key.plugins == held.build.key.plugins
    assert [item.name for item in manifest.files] == ["engine.onnx", "plugins/libfarm_cummax.so"]
    (again,) = farm.submit(targets=CARD).builds
    assert (again.state, again.key, again.engine) == (State.CACHED, after.key, made.engine)


def test_an_engine_without_the_library_of_a_plugin_is_refused(farm: Coordinator, host: Talker, box: Talker) -> None:
    host.operators = ("cummax",)
    farm.submit(targets=CARD)
    host.serve()
    held = claim(box)
    bare = tuple(item for item in box.result(held).files if not item.name.startswith("plugins/"))
    with pytest.raises(Invalid, match="it lacks the library of the plugin cummax"):
        box.publish(held, files=bare)


def test_two_who_wait_for_one_preparation_share_the_build_that_comes_of_it(
    farm: Coordinator, host: Talker, box: Talker
) -> None:
    host.operators = ("cummax",)
    first = farm.submit(targets=CARD)
    named = farm.submit(targets=CARD, plugins=("cummax",))
    assert first.builds[0].build != named.builds[0].build, "nobody knows yet that they are one"
    host.serve()
    one, other = farm.show(first).builds[0], farm.show(named).builds[0]
    assert (one.build, one.key, one.state) == (other.build, other.key, State.QUEUED)
    box.serve()
    assert farm.states(first) == farm.states(named) == [State.DONE]


def test_a_request_whose_engine_is_there_under_the_key_with_plugins_is_cached(
    farm: Coordinator, host: Talker, box: Talker
) -> None:
    host.operators = ("cummax",)
    farm.submit(targets=CARD)
    waiting = farm.submit(targets=CARD, reference=replace(farm.ask().reference, seed=7))
    first = host.claim()
    assert first
    host.prepare(first)
    box.serve()
    host.serve()
    # Other references want another proof of the engine that is there, not another engine.
    held = claim(box)
    assert held.build
    assert held.build.reuse
    assert held.build.plugins == (), "its libraries are files of the engine"
    box.publish(held)
    assert farm.states(waiting) == [State.DONE]


def test_new_sources_are_a_new_engine_and_earlier_ones_can_be_named(
    farm: Coordinator, host: Talker, box: Talker, tmp_path: Path
) -> None:
    host.operators = ("Twice",)
    first = add(farm, write_plugin(tmp_path, "twice", ("Twice",))).plugin.source
    old = farm.submit(targets=CARD)
    host.serve()
    box.serve()
    add(farm, write_plugin(tmp_path, "twice", ("Twice",), kernel="// 2 * x\n"))
    new = farm.submit(targets=CARD)
    assert (farm.states(old), farm.states(new)) == ([State.DONE], [State.QUEUED])
    (pinned,) = farm.submit(targets=CARD, plugins=(f"twice@{first}",)).builds
    assert (pinned.state, pinned.key) == (State.CACHED, farm.show(old).builds[0].key)
    for word in (f"twice@{'0' * 64}", f"cummax@{first}", "nobody", "../x", "twice@"):
        with pytest.raises((NotFound, Invalid)):
            farm.submit(targets=CARD, plugins=(word,))


def test_of_two_plugins_with_an_operator_one_must_be_named(
    farm: Coordinator, host: Talker, box: Talker, tmp_path: Path
) -> None:
    for name in ("twice", "double"):
        add(farm, write_plugin(tmp_path, name, ("Twice",)))
    host.operators = ("Twice",)
    submission = farm.submit(targets=CARD)
    host.serve()
    (failed,) = farm.show(submission).builds
    assert failed.state is State.FAILED
    assert failed.reason == "2 plugins have the operator Twice: double, twice; name one with --plugins"
    (row,) = planning.plan(farm.context, farm.ask(targets=CARD)).rows
    assert row.problems == (failed.reason,)
    assert row.plugin_operators == ("Twice",)
    named = farm.submit(targets=CARD, plugins=("double",))
    assert list(claim(box).build.key.plugins) == ["double"]  # type: ignore[union-attr]
    assert farm.states(named) == [State.LEASED]


def test_nobody_takes_the_place_of_what_came_with_farm_unless_named(
    farm: Coordinator, host: Talker, box: Talker, tmp_path: Path
) -> None:
    add(farm, write_plugin(tmp_path, "my_cummax", ("cummax",)))
    host.operators = ("cummax",)
    farm.submit(targets=CARD)
    host.serve()
    assert list(claim(box).build.key.plugins) == ["cummax"]  # type: ignore[union-attr]
    (row,) = planning.plan(farm.context, farm.ask(targets=CARD, plugins=("my_cummax",))).rows
    assert row.request_key
    assert list(row.request_key.plugins) == ["my_cummax"]


def test_a_target_that_takes_no_plugins_or_is_too_old_says_so(
    farm: Coordinator, host: Talker, box: Talker, tmp_path: Path
) -> None:
    add(farm, write_plugin(tmp_path, "modern", minimum="10.0"))
    farm.enrol("cpu")
    with pytest.raises(Unsupported, match=r"onnxruntime 1.31.1 takes no plugins, and modern is asked for"):
        farm.submit(plugins=("modern",))
    told = "needs TensorRT 10.0 or later, and the target has tensorrt 8.5.3.1"
    with pytest.raises(Unsupported, match=told):
        farm.submit(targets=CARD, plugins=("modern",))
    host.operators = ("modern",)
    submission = farm.submit(b"another", targets=CARD)
    host.serve()
    assert told in farm.show(submission).builds[0].reason


def test_a_plan_tells_the_plugins_once_the_model_is_prepared(farm: Coordinator, host: Talker, box: Talker) -> None:
    host.operators = ("cummax",)
    (before,) = planning.plan(farm.context, farm.ask(targets=CARD)).rows
    farm.submit(targets=CARD)
    host.serve()
    (after,) = planning.plan(farm.context, farm.ask(targets=CARD)).rows
    assert (before.plugin_operators, after.plugin_operators) == (None, ("cummax",))
    assert before.request_key
    assert after.request_key
    assert (before.request_key.plugins, after.request_key.plugins) == ({}, {"cummax": source_of(farm, "cummax")})
    assert after.hit == "building"


def test_a_lease_reads_the_sources_of_its_plugins_and_no_others(
    farm: Coordinator, host: Talker, box: Talker, tmp_path: Path
) -> None:
    stranger = add(farm, write_plugin(tmp_path, "twice", kernel="// a secret of others\n")).source
    host.operators = ("cummax",)
    farm.submit(targets=CARD)
    host.serve()
    held = claim(box)
    for sha256 in plugins.show(farm.context, "cummax").source.blobs:
        assert rights.may_read(farm.context, box.caller, sha256) == held.lease.attempt
    kernel = next(item.sha256 for item in stranger.files if item.name == "kernel.cu")
    with pytest.raises(Forbidden):
        rights.may_read(farm.context, box.caller, kernel)


def test_damaged_sources_are_told_and_adding_them_again_mends_them(
    farm: Coordinator, box: Talker, tmp_path: Path
) -> None:
    farm.enrol("host", roles=(Role.HOST,))
    folder = write_plugin(tmp_path, "twice", kernel="// soon damaged\n")
    kernel = next(item.sha256 for item in add(farm, folder).source.files if item.name == "kernel.cu")
    farm.context.blobs.quarantine(kernel)
    with pytest.raises(Conflict, match="files of the plugin twice are damaged or gone"):
        farm.submit(targets=CARD, plugins=("twice",))
    add(farm, folder)
    assert farm.submit(targets=CARD, plugins=("twice",)).builds[0].state is State.WAITING
    cummax = plugins.show(farm.context, "cummax").source.files[0].sha256
    farm.context.blobs.quarantine(cummax)
    plugins.publish_shipped(farm.context)
    assert farm.context.blobs.exists(cummax)


def test_a_source_that_is_asked_for_is_young_again(farm: Coordinator, box: Talker, tmp_path: Path) -> None:
    farm.context = replace(farm.context, policy=Policy(keep_s=100.0))
    farm.enrol("host", roles=(Role.HOST,))
    made = add(farm, write_plugin(tmp_path, "twice")).plugin.source
    plugins.remove(farm.context, "twice")
    word = f"twice@{made}"
    farm.clock.pass_s(99.0)
    submission = farm.submit(targets=CARD, plugins=(word,))
    submissions.cancel(farm.context, submission.id, None, farm.user)
    farm.clock.pass_s(99.0)
    garbage.sweep(farm.context, dry_run=False)
    again = farm.submit(targets=CARD, plugins=(word,))
    submissions.cancel(farm.context, again.id, None, farm.user)
    farm.clock.pass_s(101.0)
    garbage.sweep(farm.context, dry_run=False)
    with pytest.raises(NotFound):
        farm.submit(targets=CARD, plugins=(word,))


def test_sources_stay_while_a_name_an_active_build_or_a_pinned_engine_has_them(
    farm: Coordinator, host: Talker, box: Talker, tmp_path: Path
) -> None:
    farm.context = replace(farm.context, policy=Policy(keep_s=0.0))
    made = add(farm, write_plugin(tmp_path, "twice", kernel="// only here\n"))
    kernel = next(item.sha256 for item in made.source.files if item.name == "kernel.cu")
    host.operators = ("twice",)
    farm.submit(targets=CARD)
    host.serve()
    plugins.remove(farm.context, "twice")

    def survives() -> bool:
        farm.clock.pass_s(1.0)
        told = garbage.sweep(farm.context, dry_run=True)
        there = farm.context.blobs.exists(kernel)
        assert garbage.sweep(farm.context, dry_run=False).blobs == told.blobs
        return there and farm.context.blobs.exists(kernel)

    assert survives(), "an active build has it"
    engine = box.publish(claim(box)).engine
    engines.pin(farm.context, engine, True)
    assert survives(), "a pinned engine has it"
    engines.pin(farm.context, engine, False)
    assert not survives()
    with pytest.raises(NotFound):
        submissions.submit(farm.context, farm.ask(targets=CARD, plugins=(f"twice@{made.plugin.source}",)), farm.user)
