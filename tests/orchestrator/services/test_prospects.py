"""What the requests of a list wait for, or how far they are, told without a look at each build."""

from __future__ import annotations

from dataclasses import fields

import pytest

from farm.protocol.states import Role, State
from farm.protocol.views import RequestView
from orchestrator.services import submission_views
from orchestrator.services.submission_views import Listing
from orchestrator.store import tables
from orchestrator.store.submissions import RequestRow
from tests.support.coordinator import Coordinator, Talker, cpu_facts


@pytest.fixture
def host(farm: Coordinator) -> Talker:
    """A machine that only prepares models."""
    return farm.enrol("host", roles=(Role.HOST,))


@pytest.fixture
def box(farm: Coordinator) -> Talker:
    """A device of another target than `old`, with one slot."""
    return farm.enrol("box", roles=(Role.DEVICE,))


@pytest.fixture
def old(farm: Coordinator) -> Talker:
    """A device that goes away."""
    return farm.enrol("old", cpu_facts("old", version="1.19.2"), (Role.DEVICE,))


def listed(farm: Coordinator) -> dict[str, RequestView]:
    """Each request of the newest submissions, by name of the model and target."""
    found = submission_views.find(farm.context, Listing(), (), 100)
    return {f"{view.name} {request.target}": request for view in found for request in view.builds}


def test_a_list_tells_of_each_request_what_it_waits_for(
    farm: Coordinator, host: Talker, box: Talker, old: Talker
) -> None:
    farm.submit(b"a", ("box",), name="running")
    host.serve()
    claim = box.claim()
    farm.submit(b"b", ("box", "old"), name="queued")
    host.serve()
    farm.submit(b"c", ("box",), name="waiting")
    assert claim is not None
    assert {name: item.reason for name, item in listed(farm).items()} == {
        "running box": "",
        "queued box": "waits for a free slot",
        "queued old": "waits for a free slot",
        "waiting box": "its model is being prepared",
    }


def test_one_device_that_left_is_told_of_its_own_requests_alone(
    farm: Coordinator, host: Talker, box: Talker, old: Talker
) -> None:
    farm.submit(b"b", ("box", "old"), name="queued")
    host.serve()
    farm.submit(b"c", ("box",), name="waiting")
    farm.clock.pass_s(farm.context.policy.gone_s + 1)
    farm.enrol("box-2", cpu_facts("box-2"), (Role.DEVICE,))
    told = {name: item.reason for name, item in listed(farm).items()}
    assert told["queued box"] == "waits for a free slot"
    assert told["queued old"] == "no device that builds for cpu avx512f · onnxruntime 1.19.2 is online"
    assert told["waiting box"] == "no host that prepares models is online"


def test_only_what_a_device_works_on_has_progress(farm: Coordinator, host: Talker, box: Talker, old: Talker) -> None:
    view = farm.submit(b"a", ("box", "old"))
    host.serve()
    assert box.claim() is not None
    farm.clock.pass_s(7.0)
    at_work, waiting = farm.show(view).builds
    assert (at_work.state, waiting.state) == (State.LEASED, State.QUEUED)
    assert at_work.progress is not None
    assert at_work.progress.elapsed_s == pytest.approx(7.0)
    assert waiting.progress is None


def test_a_list_leaves_out_how_far_each_build_is(farm: Coordinator, host: Talker, box: Talker) -> None:
    farm.submit(b"a", ("box",))
    host.serve()
    assert box.claim() is not None
    assert listed(farm)["net box"].progress is None


def test_what_has_ended_is_listed_only_as_a_whole(farm: Coordinator, host: Talker, box: Talker, old: Talker) -> None:
    both = farm.submit(b"a", ("box", "old"), name="both")
    host.serve()
    box.serve()
    farm.clock.pass_s(1.0)
    alone = farm.submit(b"b", ("box",), name="alone")
    host.serve()
    box.serve()

    def done() -> list[str]:
        return [view.id for view in submission_views.find(farm.context, Listing(), (State.DONE,), 100)]

    assert farm.states(both) == [State.DONE, State.QUEUED]
    assert done() == [alone.id]
    old.serve()
    assert done() == [alone.id, both.id]


def test_the_row_of_a_request_has_the_order_of_its_columns() -> None:
    assert [item.name for item in fields(RequestRow)] == list(tables.request.columns.keys())
