"""Plugins on each database: added, changed, told, their sources handed to leases, and collected."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from farm.plugins.folder import read_common, read_folder
from farm.protocol.errors import Conflict, Forbidden, Invalid, NotFound
from farm.protocol.plugin_views import PluginAsk
from farm.protocol.states import Role, State
from orchestrator.services import engines, garbage, plugins, rights, submissions
from orchestrator.services.policy import Policy
from tests.support.coordinator import Coordinator, Talker
from tests.support.plugins import write_plugin

from .catalog import CARD, USER, add, claim, source_of


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


def test_sources_that_change_while_they_are_read_are_not_those_of_a_plugin(
    farm: Coordinator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = farm.context.plugins / "common" / "launch.cuh"

    def read_before_a_change(root: Path) -> object:
        shared.write_text("#pragma once\n// as it was read\n")
        found = read_common(root)
        shared.write_text("#pragma once\n// as somebody left it\n")
        return found

    folder = write_plugin(tmp_path, "twice")
    with monkeypatch.context() as patched:
        patched.setattr(plugins, "read_common", read_before_a_change)
        with pytest.raises(Conflict, match=r"launch\.cuh changed while it was read"):
            add(farm, folder)
    assert [view.name for view in plugins.every(farm.context)] == ["cummax"]
    assert all(farm.context.blobs.exists(sha256) for sha256 in add(farm, folder).source.blobs)


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
