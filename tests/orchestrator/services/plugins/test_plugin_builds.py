"""Builds with plugins on each database: found by the operators of a graph, in keys, in plans."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from farm.protocol.errors import Invalid, NotFound, Unsupported
from farm.protocol.states import State
from orchestrator.services import engines, planning
from tests.support.coordinator import Coordinator, Talker
from tests.support.plugins import write_plugin

from .catalog import CARD, add, claim, source_of


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
