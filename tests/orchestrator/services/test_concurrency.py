"""Many threads at once: what must be one stays one."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from typing import TypeVar

from farm.protocol.errors import LeaseLost
from farm.protocol.states import AttemptEnd, State
from farm.protocol.work import Claim
from orchestrator.services import build_views, submissions
from orchestrator.store import builds, preparations
from orchestrator.store.build_lists import BuildListing
from orchestrator.store.database import Connection
from tests.support.coordinator import Coordinator, Talker, cpu_facts

T = TypeVar("T")


def at_once(works: list[Callable[[], T]]) -> list[T]:
    """What all return, each begun in its own thread at the same moment."""
    gate = threading.Barrier(len(works))

    def run(work: Callable[[], T]) -> T:
        gate.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return [item.result() for item in [pool.submit(run, work) for work in works]]


def all_builds(farm: Coordinator) -> list[str]:
    return [item.id for item in build_views.find(farm.context, BuildListing(), None, 1000)]


def wins(box: Talker, claim: Claim) -> bool:
    """True when the engine was published, False when the lease was lost."""
    try:
        box.publish(claim)
    except LeaseLost:
        return False
    return True


def test_identical_submissions_at_once_build_once(farm: Coordinator) -> None:
    box = farm.enrol()
    views = at_once([farm.submit] * 8)
    assert len({view.id for view in views}) == 8
    assert len({view.builds[0].build for view in views}) == 1
    assert [item.split("-")[0] for item in box.serve()] == ["prp", "bld"]
    assert {tuple(farm.states(view)) for view in views} == {(State.DONE,)}


def test_the_same_idempotency_key_at_once_is_one_submission(farm: Coordinator) -> None:
    farm.enrol()
    ask = farm.ask(idempotency="once")
    views = at_once([lambda: submissions.submit(farm.context, ask, farm.user)] * 6)
    assert len({view.id for view in views}) == 1


def test_submitting_while_the_build_ends_never_builds_twice(farm: Coordinator) -> None:
    box = farm.enrol()
    for number in range(6):
        content = f"model {number}".encode()
        farm.submit(content)
        preparing = box.claim()
        assert preparing
        box.prepare(preparing)
        claim = box.claim()
        assert claim

        works: list[Callable[[], object]] = [partial(box.publish, claim), *[partial(farm.submit, content)] * 2]
        at_once(works)
        assert box.claim() is None
    assert len(all_builds(farm)) == 6


def test_claimers_never_share_work(farm: Coordinator) -> None:
    boxes = [farm.enrol(f"box{number}", cpu_facts("box")) for number in range(8)]
    wanted = [farm.submit(f"model {number}".encode()) for number in range(24)]
    served: Counter[str] = Counter()

    def serve(box: Talker) -> list[str]:
        return [item for _ in range(20) for item in box.serve()]

    for items in at_once([partial(serve, box) for box in boxes]):
        served.update(items)
    for box in boxes:
        served.update(box.serve())
    assert set(served.values()) == {1}
    assert len(served) == 48
    assert {state for view in wanted for state in farm.states(view)} == {State.DONE}


def test_one_slot_asked_for_many_times_at_once_gets_one_lease(farm: Coordinator) -> None:
    box = farm.enrol()
    for number in range(6):
        farm.submit(f"model {number}".encode())
    claims = at_once([partial(box.claim, nonce=f"n{number}") for number in range(6)])
    assert sum(item is not None for item in claims) == 1


def test_a_lost_answer_asked_again_at_once_is_one_lease(farm: Coordinator) -> None:
    box = farm.enrol()
    farm.submit()
    claims = at_once([partial(box.claim, nonce="n")] * 6)
    assert len({item.lease.attempt for item in claims if item}) == 1


def test_expiry_and_publish_at_once_let_one_win(farm: Coordinator) -> None:
    box = farm.enrol()
    for number in range(5):
        submission = farm.submit(f"model {number}".encode())
        preparing = box.claim()
        assert preparing
        box.prepare(preparing)
        claim = box.claim()
        assert claim
        assert claim.build
        farm.clock.pass_s(61)

        works: list[Callable[[], object]] = [partial(wins, box, claim), farm.reconcile]
        published = at_once(works)[0]
        ends = [item.end for item in build_views.show(farm.context, claim.build.build).attempts]
        assert ends == [AttemptEnd.PUBLISHED if published else AttemptEnd.EXPIRED]
        farm.clock.pass_s(600)
        box.serve()
        assert farm.states(submission) == [State.DONE]


def test_cancelling_and_publishing_at_once_agree(farm: Coordinator) -> None:
    box = farm.enrol()
    for number in range(5):
        submission = farm.submit(f"model {number}".encode())
        preparing = box.claim()
        assert preparing
        box.prepare(preparing)
        claim = box.claim()
        assert claim

        cancel = partial(submissions.cancel, farm.context, submission.id, None, farm.user)
        works: list[Callable[[], object]] = [partial(wins, box, claim), cancel]
        published = at_once(works)[0]
        assert farm.states(submission) == [State.DONE if published else State.CANCELLED]


def test_submits_cancels_and_workers_at_once_leave_nothing_active(farm: Coordinator) -> None:
    boxes = [farm.enrol(f"box{number}", cpu_facts("box")) for number in range(3)]

    def user(number: int) -> None:
        for turn in range(3):
            view = farm.submit(f"model {(number + turn) % 4}".encode())
            if turn % 2:
                submissions.cancel(farm.context, view.id, None, farm.user)

    def worker(box: Talker) -> None:
        for _ in range(6):
            try:
                box.serve()
            except LeaseLost:
                continue

    at_once([*[partial(user, number) for number in range(5)], *[partial(worker, box) for box in boxes]])
    farm.clock.pass_s(600)
    farm.reconcile()
    for box in boxes:
        box.serve()
    for item in build_views.find(farm.context, BuildListing(), None, 1000):
        assert item.state in (State.DONE, State.CANCELLED)
        assert [one.end for one in item.attempts].count(AttemptEnd.PUBLISHED) == (item.state is State.DONE)


def test_work_that_is_only_looked_at_is_not_passed_over(farm: Coordinator) -> None:
    box = farm.enrol()
    view = farm.submit()
    build_id = view.builds[0].build or ""
    with farm.context.database.read() as connection:
        build = builds.by_id(connection, build_id)
    assert build

    claim = claimed_while(farm, box, lambda looking: preparations.by_id(looking, build.preparation_id, lock=True))
    assert claim.preparation
    box.prepare(claim)
    claim = claimed_while(farm, box, lambda looking: builds.by_id(looking, build_id, lock=True))
    assert claim.build


def claimed_while(farm: Coordinator, box: Talker, look: Callable[[Connection], object]) -> Claim:
    """What a slot gets that asks while another transaction has locked, and will let go."""
    with ThreadPoolExecutor(1) as pool:
        with farm.context.database.write() as looking:
            look(looking)
            claiming = pool.submit(box.claim)
            assert wait([claiming], timeout=0.3).not_done
        claim = claiming.result(timeout=30)
    assert claim
    return claim
