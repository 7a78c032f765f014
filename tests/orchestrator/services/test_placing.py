"""What an order meets among the engines of its key: one that is whole, whatever became of the others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sqlalchemy import event

from farm.protocol.model import FileRef
from farm.protocol.states import State
from orchestrator.services import engines, planning
from tests.support.coordinator import Coordinator, Talker


def built(farm: Coordinator, box: Talker, **changed: Any) -> str:
    """Build the model anew with the same key; the engine."""
    view = farm.submit(force=True)
    if farm.states(view) == [State.WAITING]:
        preparing = box.claim()
        assert preparing
        box.prepare(preparing)
    claim = box.claim()
    assert claim
    farm.clock.pass_s(1.0)  # engines are told apart by when they were made
    return box.publish(claim, **changed).engine


def files(farm: Coordinator, engine: str) -> tuple[str, ...]:
    return tuple(item.sha256 for item in engines.show(farm.context, engine).manifest.files)


def hit(farm: Coordinator) -> str | None:
    """The engine that a plan finds; None where it would be built."""
    (row,) = planning.plan(farm.context, farm.ask()).rows
    return row.engine


@contextmanager
def statements(farm: Coordinator) -> Iterator[list[str]]:
    """Every statement that the database is sent inside the block."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    database = farm.context.database.engine
    event.listen(database, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database, "before_cursor_execute", note)


def test_the_newest_engine_that_has_its_files_serves(farm: Coordinator) -> None:
    box = farm.enrol()
    first, second, third = (built(farm, box) for _ in range(3))
    assert hit(farm) == third
    farm.context.blobs.quarantine(files(farm, third)[0])
    assert hit(farm) == second
    farm.context.blobs.quarantine(files(farm, first)[0])
    assert hit(farm) == second
    farm.context.blobs.quarantine(files(farm, second)[0])
    assert hit(farm) is None
    assert farm.states(farm.submit()) == [State.QUEUED]


def test_every_file_of_an_engine_counts_and_its_samples_do_not(farm: Coordinator) -> None:
    box = farm.enrol()
    weights, samples = (farm.context.blobs.put_bytes(content) for content in (b"weights", b"samples"))
    farm.submit()
    claim = box.claim_build()
    result = box.result(claim)
    assert result.benchmark is not None
    measured = replace(result.benchmark, samples=samples.sha256)
    beside = FileRef("engine.onnx.data", weights.size_bytes, weights.sha256)
    engine = box.publish(claim, files=(*result.files, beside), benchmark=measured).engine
    assert len(files(farm, engine)) == 2
    farm.context.blobs.quarantine(samples.sha256)
    assert hit(farm) == engine
    farm.context.blobs.quarantine(weights.sha256)
    assert hit(farm) is None


def test_many_engines_of_a_key_cost_no_more_statements_than_one(farm: Coordinator) -> None:
    box = farm.enrol()
    built(farm, box)
    with statements(farm) as one:
        assert hit(farm)
    for _ in range(4):
        built(farm, box)
    with statements(farm) as five:
        assert hit(farm)
    assert one
    assert len(five) == len(one)
