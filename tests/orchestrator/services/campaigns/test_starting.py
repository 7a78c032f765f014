"""What a campaign finds alive, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from farm.protocol.campaigns import CampaignState
from farm.protocol.errors import Conflict, FarmError, Invalid, NotFound, TargetUnavailable
from farm.protocol.options import BuildOptions, Precision
from farm.protocol.states import State
from orchestrator.services import submissions
from orchestrator.services.campaigns import rounds, views
from orchestrator.store import engines

from .upgraded import NEW, Upgraded


def test_every_variant_that_lives_is_built_anew_as_it_was_asked_for(anywhere: Upgraded) -> None:
    whole = anywhere.live(tags={"team": "sight"})
    half = anywhere.live(options=BuildOptions(precision=Precision.FP16))
    other = anywhere.live("other", b"another model")
    made = anywhere.start()
    assert (made.campaign.state, made.campaign.version) == (CampaignState.RUNNING, NEW)
    formers = [(item.model_name, item.precision, item.before and item.before.engine) for item in made.items]
    assert sorted(formers) == sorted(
        [("net", Precision.FP16, half), ("net", Precision.FP32, whole), ("other", Precision.FP32, other)]
    )
    assert made.campaign.states == {"queued": 3}  # the graphs are prepared already
    asked = [submissions.asked(anywhere.farm.context, item.submission or "") for item in made.items]
    assert {item.tags.get("campaign") for item in asked} == {made.campaign.id}
    assert [item.tags.get("team") for item in asked].count("sight") == 1
    assert {item.options.precision for item in asked} == {Precision.FP16, Precision.FP32}


def test_only_what_is_named_and_lives_is_built_anew(fleet: Upgraded) -> None:
    fleet.live()
    second = fleet.live("other", b"another model")
    assert [item.model_name for item in fleet.start(models=("other",)).items] == ["other"]
    with fleet.farm.context.transaction() as transaction:
        engines.change(transaction.connection, second, removed_at=transaction.at)
    assert [item.model_name for item in fleet.start().items] == ["net"]
    fleet.live("net", b"a newer model")
    (item,) = fleet.start().items
    assert item.before
    assert item.before.engine == fleet.fetched()


def test_a_name_that_moved_on_is_not_turned_back(fleet: Upgraded) -> None:
    fleet.live()
    campaign = fleet.start()
    newer = fleet.live("net", b"a newer model")
    fleet.farm.reconcile()
    assert fleet.fetched() == newer
    assert [item.superseded for item in fleet.show(campaign).items] == [True]


REFUSED: tuple[tuple[dict[str, Any], type[FarmError], str], ...] = (
    ({"version": "1.32"}, TargetUnavailable, "they have 1.19.2, 1.31.1"),
    ({"version": "1"}, TargetUnavailable, "onnxruntime 1 is 2 versions on these devices: 1.19.2, 1.31.1"),
    ({"version": "newest"}, Invalid, "'newest' is no version"),
    ({"backend": "tensorrt"}, TargetUnavailable, "they have no tensorrt"),
    ({"backend": "torch"}, Invalid, "'torch' is no toolchain"),
    ({"targets": ("old",)}, TargetUnavailable, "no enrolled device of 'old' builds with onnxruntime 1.31"),
    ({"targets": ("v100",)}, TargetUnavailable, "there is no such device"),
    ({"targets": ()}, Invalid, "no target was given"),
    ({"models": ("unknown",)}, NotFound, "there is no model 'unknown'"),
    ({"models": ("new-only",)}, Conflict, "nothing lives on cpu that was built without onnxruntime 1.31"),
    ({"fail_if_slower_percent": -1.0}, Invalid, "-1.0 is not a percentage"),
)


def test_what_cannot_be_started_is_refused_with_the_reason_and_a_next_step(fleet: Upgraded) -> None:
    fleet.live()
    fleet.farm.submit(b"only on the new one", ("new",), name="new-only")
    fleet.new.serve()
    for changed, error, told in REFUSED:
        with pytest.raises(error) as refused:
            fleet.start(**changed)
        assert told in refused.value.message
        assert refused.value.hint
    assert views.every(fleet.farm.context) == ()


def test_a_start_that_is_repeated_starts_once(anywhere: Upgraded) -> None:
    anywhere.live()
    first = anywhere.start(idempotency="one")
    assert anywhere.start(idempotency="one") == first
    with pytest.raises(Conflict, match="was used for another campaign"):
        anywhere.start(idempotency="one", models=("net",))


def test_what_is_there_already_is_found_and_built_once(fleet: Upgraded) -> None:
    fleet.live()
    found = fleet.farm.submit(b"a model", ("new",))
    fleet.new.serve()
    campaign = fleet.start()
    assert [(item.state, item.after and item.after.engine) for item in campaign.items] == [
        (State.CACHED, fleet.engine(found))
    ]
    fleet.farm.reconcile()
    assert fleet.show(campaign).campaign.state is CampaignState.READY


def test_what_was_not_ordered_when_the_coordinator_died_is_ordered_by_the_next(
    fleet: Upgraded, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.live()
    fleet.live("other", b"another model")
    with monkeypatch.context() as dying:
        dying.setattr(rounds, "_ORDERS", 1)
        campaign = fleet.start()
    assert campaign.campaign.states == {"queued": 1, "waiting": 1}
    assert [item.submission is None for item in campaign.items] == [False, True]
    assert fleet.farm.reconcile().campaigns == 1
    assert fleet.show(campaign).campaign.states == {"queued": 2}
    assert fleet.farm.reconcile().campaigns == 0
