"""Engines side by side, the history of one cell, and the story of one engine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from farm.protocol.errors import Invalid, NotFound
from farm.protocol.options import BenchmarkPolicy, BuildOptions, Precision
from farm.protocol.report import Percentiles
from farm.protocol.samples import pack
from farm.protocol.states import Role, State
from orchestrator.rules.comparison import Change
from orchestrator.services import comparing, engine_story, history
from tests.support.coordinator import Coordinator, Talker, gpu_facts
from tests.support.statements import counted

H200, T4 = "NVIDIA H200 · tensorrt 8.5.3.1", "Tesla T4 · tensorrt 8.5.3.1"


@pytest.fixture
def host(farm: Coordinator) -> Talker:
    return farm.enrol("host", roles=(Role.HOST,))


@pytest.fixture
def card(farm: Coordinator) -> Talker:
    """A device that builds for `H200`."""
    return farm.enrol("card", gpu_facts(), (Role.DEVICE,), ("gpu0",))


def build(
    farm: Coordinator,
    host: Talker,
    box: Talker,
    median_ms: float | None,
    label: str = H200,
    content: bytes = b"a model",
    precision: Precision = Precision.FP16,
    samples: tuple[float, ...] = (),
) -> str:
    """An engine with this time; its id."""
    farm.clock.pass_s(60.0)
    farm.submit(content, (label,), options=BuildOptions(precision), force=True)
    host.serve()
    claim = box.claim()
    assert claim
    box.stage(claim, State.BUILDING)
    farm.clock.pass_s(2.0)
    report = box.result(claim, noisy=median_ms is None).benchmark
    assert report
    if median_ms is not None:
        latency = Percentiles(median_ms, median_ms, median_ms, median_ms, median_ms, median_ms, median_ms)
        report = replace(report, latency=latency, evidence={"shapes": {"x": [1, 3]}})
    if samples:
        report = replace(report, samples=farm.context.blobs.put_bytes(pack(samples)).sha256)
    return box.publish(claim, benchmark=report).engine


def test_engines_are_held_against_the_first(farm: Coordinator, host: Talker, card: Talker) -> None:
    other = farm.enrol("other", gpu_facts("Tesla T4", "7.5"), (Role.DEVICE,), ("gpu0",))
    ids = [build(farm, host, card, 2.0), build(farm, host, card, 2.03), build(farm, host, other, 6.0, T4)]
    ids.append(build(farm, host, card, None, precision=Precision.FP32))
    table = comparing.show(farm.context, [*ids, ids[0]])
    assert [side.engine.id for side in table.sides] == ids
    changes = [side.change and side.change.change for side in table.sides]
    assert changes == [None, Change.WITHIN_NOISE, Change.SLOWER, Change.INCOMPARABLE]
    assert table.one_model
    assert table.sides[0].shapes == "x 1x3"
    unlike = {field.path: field.values for field in table.unlike}
    assert unlike["options.precision"] == ("fp16", "fp16", "fp16", "fp32")
    assert unlike["target.gpu.name"] == ("NVIDIA H200", "NVIDIA H200", "Tesla T4", "NVIDIA H200")
    assert "model" not in unlike


def test_what_is_not_there_or_too_much_is_refused(farm: Coordinator, host: Talker, card: Talker) -> None:
    engine = build(farm, host, card, 2.0)
    with pytest.raises(NotFound, match="eng-none"):
        comparing.show(farm.context, [engine, "eng-none"])
    with pytest.raises(Invalid, match="13 engines"):
        comparing.show(farm.context, [f"eng-{number}" for number in range(13)])
    assert comparing.show(farm.context, []).sides == ()


def test_more_engines_side_by_side_take_no_more_statements(farm: Coordinator, host: Talker, card: Talker) -> None:
    ids = [build(farm, host, card, 2.0) for _ in range(4)]
    with counted(farm.context.database) as one:
        comparing.show(farm.context, ids[:1])
    with counted(farm.context.database) as all_of_them:
        comparing.show(farm.context, ids)
    assert len(all_of_them) == len(one) <= 3


def test_a_history_marks_what_became_slower(farm: Coordinator, host: Talker, card: Talker) -> None:
    engines = [build(farm, host, card, median_ms) for median_ms in (2.0, 2.01, None, 2.2)]
    engines.append(build(farm, host, card, 2.2, content=b"another model"))
    build(farm, host, card, 9.0, precision=Precision.FP32)
    found = history.show(farm.context, "net")
    assert (found.label, found.labels) == (H200, (H200,))
    half, full = found.lines
    assert (half.precision, full.precision, len(full.moments)) == ("fp16", "fp32", 1)
    assert [moment.point.engine for moment in half.moments] == engines
    assert [moment.point.median_ms for moment in half.moments] == [2.0, 2.01, None, 2.2, 2.2]
    changes = [moment.change and moment.change.change for moment in half.moments]
    # The one without a time is passed over: the next is held against the last that has one.
    assert changes == [None, Change.WITHIN_NOISE, None, Change.SLOWER, Change.WITHIN_NOISE]
    assert [moment.new_model for moment in half.moments] == [False, False, False, False, True]
    assert half.moments[0].point.device == "card"


def test_a_history_of_nothing(farm: Coordinator, host: Talker, card: Talker) -> None:
    with pytest.raises(NotFound, match="no model 'net'"):
        history.show(farm.context, "net")
    farm.submit(targets=(H200,))
    assert history.show(farm.context, "net").lines == ()
    assert history.show(farm.context, "net", T4).label == T4


def test_a_longer_history_takes_no_more_statements(farm: Coordinator, host: Talker, card: Talker) -> None:
    build(farm, host, card, 2.0)
    with counted(farm.context.database) as short:
        history.show(farm.context, "net")
    for _ in range(3):
        build(farm, host, card, 2.0)
    with counted(farm.context.database) as long:
        assert len(history.show(farm.context, "net").lines[0].moments) == 4
    assert len(long) == len(short) <= 4


def test_the_story_of_an_engine(farm: Coordinator, host: Talker, card: Talker) -> None:
    before = build(farm, host, card, 2.0)
    samples = tuple(2.0 + number / 100 for number in range(100))
    engine = build(farm, host, card, 2.5, samples=samples)
    story = engine_story.tell(farm.context, engine)
    assert story.detail.engine.id == engine
    assert [(stage.state, stage.seconds) for stage in story.build.attempts[0].stages] == [(State.BUILDING, 2.0)]
    assert story.preparation
    assert story.preparation.reference == "onnxruntime 1.31.1"
    assert story.samples
    assert sum(story.samples.counts) + story.samples.above == 100
    assert [sibling.id for sibling in story.siblings] == [before]
    assert [item.name for item in story.model_files] == ["model.onnx"]
    assert engine_story.tell(farm.context, before).samples is None
    with pytest.raises(NotFound):
        engine_story.tell(farm.context, "eng-none")


def test_samples_that_are_gone_leave_the_percentiles(farm: Coordinator, host: Talker, card: Talker) -> None:
    engine = build(farm, host, card, 2.5, samples=(2.0, 2.5))
    report = engine_story.tell(farm.context, engine).benchmark
    assert report
    assert report.samples
    farm.context.blobs.quarantine(report.samples)
    story = engine_story.tell(farm.context, engine)
    assert (story.samples, story.benchmark) == (None, report)


def test_the_story_takes_as_many_statements_however_many_attempts(
    farm: Coordinator, host: Talker, card: Talker
) -> None:
    engine = build(farm, host, card, 2.0)
    with counted(farm.context.database) as few:
        engine_story.tell(farm.context, engine)
    for _ in range(3):
        build(farm, host, card, 2.0)
    farm.submit(targets=(H200,), options=BuildOptions(Precision.FP16), benchmark=BenchmarkPolicy(iterations=20))
    claim = card.claim()
    assert claim
    card.publish(claim)
    with counted(farm.context.database) as many:
        engine_story.tell(farm.context, engine)
    assert len(many) == len(few)
