from __future__ import annotations

from dataclasses import replace

import pytest

from farm.protocol.states import State
from orchestrator.services import garbage
from orchestrator.services.policy import Policy
from orchestrator.store import engines
from tests.support.coordinator import Coordinator, Talker

# Blobs tell their age by the clock of the machine: every one of a test is young by it.
OLD = Policy(keep_s=0.0, keep_engines=1)


@pytest.fixture
def eager(farm: Coordinator) -> Coordinator:
    farm.context = replace(farm.context, policy=OLD)
    return farm


def build(farm: Coordinator, box: Talker, content: bytes) -> str:
    submission = farm.submit(content)
    box.serve()
    farm.clock.pass_s(10)
    engine = farm.show(submission).builds[0].engine
    assert engine
    return engine


def test_what_a_name_leads_to_stays(eager: Coordinator) -> None:
    engine = build(eager, eager.enrol(), b"a model")
    assert garbage.sweep(eager.context, dry_run=False).blobs == 0
    assert eager.submit().builds[0].engine == engine


def test_an_old_engine_of_a_model_that_no_name_leads_to_goes_unless_pinned(eager: Coordinator) -> None:
    box = eager.enrol()
    first, second, third = (build(eager, box, content) for content in (b"first", b"second", b"third"))
    with eager.context.transaction() as transaction:
        engines.change(transaction.connection, first, pinned=True)
    told = garbage.sweep(eager.context, dry_run=True)
    assert (told.engines, told.kept_pinned) == ((second,), 1)
    assert told.blobs > 0
    done = garbage.sweep(eager.context, dry_run=False)
    assert (done.engines, done.blobs, done.bytes) == (told.engines, told.blobs, told.bytes)
    assert garbage.sweep(eager.context, dry_run=False).blobs == 0
    with eager.context.database.read() as connection:
        kept = {row.id for row in engines.newest(connection, 10)}
    assert kept == {first, third}


def test_young_blobs_stay_whoever_refers_to_them(farm: Coordinator) -> None:
    stored = farm.context.blobs.put_bytes(b"uploaded a moment ago")
    assert garbage.sweep(farm.context, dry_run=False).blobs == 0
    assert farm.context.blobs.exists(stored.sha256)


def test_what_runs_keeps_its_blobs(eager: Coordinator) -> None:
    box = eager.enrol()
    submission = eager.submit()
    preparing = box.claim()
    assert preparing
    box.prepare(preparing)
    garbage.sweep(eager.context, dry_run=False)
    assert len(box.serve()) == 1
    assert eager.states(submission) == [State.DONE]
    assert eager.show(submission).builds[0].engine
