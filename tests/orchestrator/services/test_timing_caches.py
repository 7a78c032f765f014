"""Timing caches on each database: who is given which, who may change it, and that nothing is lost when two race."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from farm.protocol.errors import Conflict, Forbidden, Invalid, LeaseLost, NotFound, Unsupported
from farm.protocol.facts import DeviceFacts
from farm.protocol.report import Verdict
from farm.protocol.states import Role, Scope, State
from farm.protocol.timing import TimingCacheGiven, TimingCacheSwap, TimingCacheSwapped, TimingCacheUse, TimingCacheView
from farm.protocol.work import Claim
from orchestrator.services import engines, garbage, planning, rights, submissions, timing_caches
from orchestrator.services.caller import Caller
from orchestrator.services.policy import Policy
from tests.support.coordinator import Coordinator, Talker, gpu_facts

ADMIN = Caller("tok-admin", "admin", Scope.ADMIN)
CARD = ("backend=tensorrt",)


def enrol(farm: Coordinator, name: str, facts: DeviceFacts | None = None) -> Talker:
    """A device with a card; the first of them makes a host as well."""
    return farm.enrol(name, facts or gpu_facts(), (Role.DEVICE,), ("gpu0",))


@pytest.fixture
def host(farm: Coordinator) -> Talker:
    return farm.enrol("host", roles=(Role.HOST,))


def claim(farm: Coordinator, host: Talker, box: Talker, content: bytes, **changed: Any) -> Claim:
    """The build of a new model, claimed."""
    farm.submit(content, changed.pop("targets", CARD), **changed)
    host.serve()
    found = box.claim()
    assert found
    assert found.build
    return found


def put(farm: Coordinator, text: str) -> str:
    return str(farm.context.blobs.put_bytes(text.encode()).sha256)


def swap(farm: Coordinator, box: Talker, held: Claim, expected: str | None, sha256: str) -> TimingCacheSwapped:
    asked = TimingCacheSwap(held.lease.token, expected, sha256)
    return timing_caches.swap(farm.context, box.caller, held.lease.attempt, asked)


def only(farm: Coordinator) -> TimingCacheView:
    (found,) = timing_caches.every(farm.context)
    return found


def given(held: Claim) -> TimingCacheGiven | None:
    assert held.build
    return held.build.timing_cache


def test_what_one_build_learns_the_next_is_given(farm: Coordinator, host: Talker) -> None:
    box = enrol(farm, "a")
    first = claim(farm, host, box, b"first")
    assert given(first) == TimingCacheGiven(TimingCacheUse.SHARED, None)
    learned = put(farm, "conv\n")
    assert swap(farm, box, first, None, learned) == TimingCacheSwapped(True, learned)
    box.publish(first)
    second = claim(farm, host, box, b"second")
    assert given(second) == TimingCacheGiven(TimingCacheUse.SHARED, learned)
    view = only(farm)
    assert (view.sha256, view.size_bytes, view.swaps) == (learned, 5, 1)
    assert view.label == "NVIDIA H200 · tensorrt 8.5.3.1"
    assert [(item.sha256, item.device) for item in view.versions] == [(learned, "a")]
    assert view.versions[0].build == (first.build and first.build.build)


def test_a_lost_answer_is_asked_for_again(farm: Coordinator, host: Talker) -> None:
    box = enrol(farm, "a")
    held = claim(farm, host, box, b"first")
    learned = put(farm, "conv\n")
    assert [swap(farm, box, held, None, learned).swapped for _ in range(3)] == [True] * 3
    assert only(farm).swaps == 1


def test_who_was_second_is_told_what_to_merge_with(farm: Coordinator, host: Talker) -> None:
    one, other = enrol(farm, "a"), enrol(farm, "b")
    first, second = (claim(farm, host, box, text) for box, text in ((one, b"first"), (other, b"second")))
    conv, gemm = put(farm, "conv\n"), put(farm, "gemm\n")
    swap(farm, one, first, None, conv)
    assert swap(farm, other, second, None, gemm) == TimingCacheSwapped(False, conv)
    assert rights.may_read(farm.context, other.caller, conv) == second.lease.attempt
    both = put(farm, "conv\ngemm\n")
    assert swap(farm, other, second, conv, both) == TimingCacheSwapped(True, both)
    assert only(farm).sha256 == both


def share(farm: Coordinator, box: Talker, held: Claim, own: set[str]) -> int:
    """What a worker does, with sets of lines for caches; how often it lost."""
    expected, lines = None, own
    for lost in range(100):
        told = swap(farm, box, held, expected, put(farm, "".join(sorted(lines))))
        if told.swapped:
            return lost
        assert told.sha256
        assert rights.may_read(farm.context, box.caller, told.sha256) == held.lease.attempt
        with farm.context.blobs.open(told.sha256) as stream:
            lines = lines | set(stream.read().decode().splitlines(keepends=True))
        expected = told.sha256
    raise AssertionError("it never got through")


def at_once(works: list[Callable[[], int]]) -> list[int]:
    with ThreadPoolExecutor(len(works)) as pool:
        return [item.result() for item in [pool.submit(work) for work in works]]


def test_workers_that_race_lose_nothing(farm: Coordinator, host: Talker) -> None:
    boxes = [enrol(farm, f"box-{number}") for number in range(6)]
    held = [claim(farm, host, box, box.slot.encode() + str(box.caller.device).encode()) for box in boxes]
    learned = [{f"{lease.lease.attempt}\n"} for lease in held]
    lost = at_once([partial(share, farm, *told) for told in zip(boxes, held, learned, strict=True)])
    sha256 = only(farm).sha256
    assert sha256
    with farm.context.blobs.open(sha256) as stream:
        assert sorted(stream.read().decode().split()) == sorted(lease.lease.attempt for lease in held)
    assert only(farm).swaps == len(boxes)
    assert farm.context.tally.count("timing_cache", "lost") == sum(lost)


@pytest.mark.parametrize(
    "other", [gpu_facts("Tesla V100", "7.0"), gpu_facts(version="8.6.1.6")], ids=["card", "version"]
)
def test_another_card_and_another_tensorrt_are_never_given_it(
    farm: Coordinator, host: Talker, other: DeviceFacts
) -> None:
    box, stranger = enrol(farm, "a"), enrol(farm, "b", other)
    learned = put(farm, "conv\n")
    held = claim(farm, host, box, b"first", targets=("a",))
    swap(farm, box, held, None, learned)
    theirs = claim(farm, host, stranger, b"first", targets=("b",))
    assert given(theirs) == TimingCacheGiven(TimingCacheUse.SHARED, None)
    with pytest.raises(Forbidden):
        rights.may_read(farm.context, stranger.caller, learned)
    # A worker cannot name a cache: whatever it swaps is that of its own lease.
    mine = put(farm, "mine\n")
    assert swap(farm, stranger, theirs, None, mine).swapped
    assert {view.sha256 for view in timing_caches.every(farm.context)} == {learned, mine}


def test_only_the_holder_of_a_lease_changes_a_cache(farm: Coordinator, host: Talker) -> None:
    box, other = enrol(farm, "a"), enrol(farm, "b")
    held = claim(farm, host, box, b"first")
    learned = put(farm, "conv\n")
    with pytest.raises(LeaseLost):
        swap(farm, other, held, None, learned)
    with pytest.raises(LeaseLost):
        swap(farm, box, replace(held, lease=replace(held.lease, token=held.lease.token + 1)), None, learned)
    box.publish(held)
    with pytest.raises(LeaseLost):
        swap(farm, box, held, None, learned)
    assert timing_caches.every(farm.context) == ()


def test_a_cache_that_is_not_stored_or_too_large_is_not_taken(farm: Coordinator, host: Talker) -> None:
    farm.context = replace(farm.context, policy=Policy(timing_cache_bytes=8))
    box = enrol(farm, "a")
    held = claim(farm, host, box, b"first")
    with pytest.raises(Conflict) as refused:
        swap(farm, box, held, None, "0" * 64)
    assert refused.value.details["missing"] == ["0" * 64]
    with pytest.raises(Invalid, match="a timing cache of 9 bytes is larger than 8"):
        swap(farm, box, held, None, put(farm, "123456789"))


def test_a_build_without_a_cache_is_given_none_and_changes_none(farm: Coordinator, host: Talker) -> None:
    box = enrol(farm, "a")
    held = claim(farm, host, box, b"first", timing_cache=TimingCacheUse.NONE)
    assert given(held) is None
    with pytest.raises(Conflict, match="changes no timing cache"):
        swap(farm, box, held, None, put(farm, "conv\n"))


def test_shared_and_none_are_two_engines(farm: Coordinator, host: Talker) -> None:
    box = enrol(farm, "a")
    box.publish(claim(farm, host, box, b"first"))
    (again,) = farm.submit(b"first", CARD).builds
    (without,) = farm.submit(b"first", CARD, timing_cache=TimingCacheUse.NONE).builds
    assert (again.state, without.state) == (State.CACHED, State.QUEUED)
    assert again.key != without.key


def published(farm: Coordinator, host: Talker, box: Talker, content: bytes, **told: Any) -> dict[str, Any]:
    """What the manifest of a build that told this says of its timing cache."""
    held = claim(farm, host, box, content, force=True)
    made = box.publish(held, effective={"build_s": told.pop("build_s"), "timing_cache": {"use": "shared", **told}})
    return dict(engines.show(farm.context, made.engine).manifest.effective["timing_cache"])


def test_what_a_cache_saved_is_estimated_from_builds_that_began_empty(farm: Coordinator, host: Talker) -> None:
    box = enrol(farm, "a")
    assert "estimate" not in published(farm, host, box, b"first", build_s=200.0)
    warm = published(farm, host, box, b"first", build_s=20.0, sha256="a" * 64)
    assert (warm["estimate"]["cold_build_s"], warm["estimate"]["saved_s"]) == (200.0, 180.0)
    # The same name, with new weights.
    again = published(farm, host, box, b"first, trained on", build_s=30.0, sha256="a" * 64)
    assert again["estimate"]["saved_s"] == 170.0


def certified(farm: Coordinator, host: Talker, box: Talker) -> str:
    """A certified state that is not the newest any more."""
    held = claim(farm, host, box, b"first")
    first, second = put(farm, "conv\n"), put(farm, "conv\ngemm\n")
    swap(farm, box, held, None, first)
    timing_caches.certify(farm.context, ADMIN, only(farm).id, None)
    swap(farm, box, held, first, second)
    box.publish(held)
    return first


def test_a_certified_cache_is_pinned_in_the_key_and_stays_as_it_is(farm: Coordinator, host: Talker) -> None:
    box = enrol(farm, "a")
    state = certified(farm, host, box)
    held = claim(farm, host, box, b"first", timing_cache=TimingCacheUse.CERTIFIED)
    assert given(held) == TimingCacheGiven(TimingCacheUse.CERTIFIED, state)
    assert held.build
    assert held.build.key.timing_cache == f"certified:{state}"
    assert rights.may_read(farm.context, box.caller, state) == held.lease.attempt
    with pytest.raises(Conflict, match="changes no timing cache"):
        swap(farm, box, held, state, put(farm, "more\n"))
    # What is certified later changes nothing for who has ordered before.
    timing_caches.certify(farm.context, ADMIN, only(farm).id, only(farm).sha256)
    box.release(held)
    again = box.claim()
    assert again
    assert given(again) == TimingCacheGiven(TimingCacheUse.CERTIFIED, state)
    box.publish(again, Verdict.PASSED)
    (other,) = farm.submit(b"first", CARD, timing_cache=TimingCacheUse.CERTIFIED).builds
    assert other.state is State.QUEUED


def test_nothing_certified_is_refused_by_a_submit_and_told_by_a_plan(farm: Coordinator, host: Talker) -> None:
    enrol(farm, "a")
    ask = farm.ask(targets=CARD, timing_cache=TimingCacheUse.CERTIFIED)
    told = "no timing cache is certified for NVIDIA H200 · tensorrt 8.5.3.1"
    with pytest.raises(Unsupported, match=told):
        submissions.submit(farm.context, ask, farm.user)
    (row,) = planning.plan(farm.context, ask).rows
    assert row.problems == (told,)


def test_a_certificate_is_of_a_stored_state_and_can_be_taken_back(farm: Coordinator, host: Talker) -> None:
    box = enrol(farm, "a")
    state = certified(farm, host, box)
    view = only(farm)
    assert (view.certified, view.certified_by) == (state, "admin")
    with pytest.raises(Conflict, match="has no stored state"):
        timing_caches.certify(farm.context, ADMIN, view.id, put(farm, "a blob of somebody else"))
    with pytest.raises(NotFound):
        timing_caches.certify(farm.context, ADMIN, "tch-none", None)
    assert timing_caches.uncertify(farm.context, view.id).certified is None


def test_what_was_dropped_does_not_come_back(farm: Coordinator, host: Talker) -> None:
    box = enrol(farm, "a")
    held = claim(farm, host, box, b"first")
    first = put(farm, "conv\n")
    swap(farm, box, held, None, first)
    dropped = timing_caches.drop(farm.context, only(farm).id)
    assert (dropped.sha256, dropped.size_bytes) == (None, 0)
    assert swap(farm, box, held, first, put(farm, "conv\ngemm\n")) == TimingCacheSwapped(False, None)
    box.publish(held)
    fresh = claim(farm, host, box, b"second")
    assert given(fresh) == TimingCacheGiven(TimingCacheUse.SHARED, None)
    assert swap(farm, box, fresh, None, first).swapped


def test_garbage_collection_keeps_what_builds_need_and_nothing_older(farm: Coordinator, host: Talker) -> None:
    farm.context = replace(farm.context, policy=Policy(keep_s=0.0))
    box = enrol(farm, "a")
    state = certified(farm, host, box)
    held = claim(farm, host, box, b"second", timing_cache=TimingCacheUse.CERTIFIED)
    current = only(farm).sha256
    assert current
    timing_caches.uncertify(farm.context, only(farm).id)
    garbage.sweep(farm.context, dry_run=False)
    assert [farm.context.blobs.exists(item) for item in (state, current)] == [True, True], "an order pins it"
    box.publish(held)
    garbage.sweep(farm.context, dry_run=False)
    assert [farm.context.blobs.exists(item) for item in (state, current)] == [False, True]
    assert [item.sha256 for item in only(farm).versions] == [current]
    timing_caches.drop(farm.context, only(farm).id)
    garbage.sweep(farm.context, dry_run=False)
    assert not farm.context.blobs.exists(current)
