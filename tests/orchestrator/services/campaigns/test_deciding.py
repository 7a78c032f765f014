"""What fetch hands out before, while and after a campaign, and what nobody may decide."""

from __future__ import annotations

from dataclasses import replace

import pytest

from farm.protocol.campaigns import CampaignState, Speed
from farm.protocol.errors import Conflict
from farm.protocol.exits import Exit
from farm.protocol.report import Verdict
from farm.protocol.states import State
from orchestrator.services import engines as artifacts
from orchestrator.services import events, garbage, submissions
from orchestrator.services.campaigns.deciding import close, hold, promote, retry, roll_back
from orchestrator.services.policy import Policy
from tests.support.coordinator import cpu_facts

from .upgraded import ADMIN, NEW, OLD, Upgraded


def test_fetch_hands_out_the_promoted_set_and_after_a_rollback_the_former(anywhere: Upgraded) -> None:
    former = anywhere.live()
    campaign = anywhere.start()
    assert anywhere.fetched() == former
    ready = anywhere.finish(campaign)
    assert ready.campaign.state is CampaignState.READY
    (item,) = ready.items
    assert item.after
    renewed = item.after.engine
    # There is a newer one that fits as well, and nobody gets it who does not name it.
    assert anywhere.fetched() == former
    assert anywhere.fetched(cpu_facts("new", NEW)) == ""
    assert anywhere.fetched(key=artifacts.show(anywhere.farm.context, renewed).engine.key) == renewed

    promoted = promote(anywhere.farm.context, ADMIN, campaign.campaign.id)
    assert (promoted.campaign.state, promoted.campaign.decided_by) == (CampaignState.PROMOTED, "admin")
    assert anywhere.fetched() == renewed
    assert anywhere.fetched(cpu_facts("new", NEW)) == renewed
    assert anywhere.fetched(cpu_facts("old", OLD)) == former
    assert promote(anywhere.farm.context, ADMIN, campaign.campaign.id) == promoted

    roll_back(anywhere.farm.context, ADMIN, campaign.campaign.id)
    assert anywhere.fetched() == former
    assert anywhere.fetched(cpu_facts("new", NEW)) == ""
    with pytest.raises(Conflict, match="is rolled back and cannot be promoted"):
        promote(anywhere.farm.context, ADMIN, campaign.campaign.id)


def test_what_somebody_else_asks_for_meanwhile_is_served(fleet: Upgraded) -> None:
    fleet.live()
    campaign = fleet.start()
    asked = fleet.farm.submit(b"a model", ("new",))
    fleet.finish(campaign)
    assert fleet.fetched() == fleet.engine(asked)


def test_a_newer_engine_of_the_old_toolchain_does_not_push_out_the_promoted_one(fleet: Upgraded) -> None:
    fleet.live()
    campaign = fleet.finish(fleet.start())
    promote(fleet.farm.context, ADMIN, campaign.campaign.id)
    renewed = fleet.fetched()
    newest = fleet.live(force=True)
    assert fleet.fetched() == renewed
    roll_back(fleet.farm.context, ADMIN, campaign.campaign.id)
    assert fleet.fetched() == newest


def test_nothing_is_promoted_before_all_of_it_is_built(fleet: Upgraded) -> None:
    fleet.live()
    fleet.live("other", b"another model")
    campaign = fleet.start()
    fleet.build()
    fleet.farm.reconcile()
    with pytest.raises(Conflict, match=r"1 of 2 engines of .* are not built yet"):
        promote(fleet.farm.context, ADMIN, campaign.campaign.id, force=True)
    assert fleet.show(campaign).exit_code is None


def test_what_is_slower_than_allowed_holds_the_campaign(fleet: Upgraded) -> None:
    former = fleet.live()
    campaign = fleet.finish(fleet.start(fail_if_slower_percent=5.0), median_ms=1.32, error=2e-6)
    assert campaign.campaign.state is CampaignState.HELD
    assert campaign.campaign.reason.endswith("it is slower by 20.0 %; 5 % are allowed")
    assert campaign.exit_code == Exit.BUILD_FAILED
    (item,) = campaign.items
    assert item.speed
    assert (item.speed.speed, round(item.speed.percent or 0, 6)) == (Speed.SLOWER, 20.0)
    assert item.after
    assert (item.after.latency_ms, item.after.max_error, item.after.verdict) == (1.32, 2e-6, Verdict.PASSED)
    assert item.before
    assert (item.before.latency_ms, item.before.version) == (1.1, OLD)
    with pytest.raises(Conflict, match="1 of 1 cannot be promoted"):
        promote(fleet.farm.context, ADMIN, campaign.campaign.id)
    assert fleet.fetched() == former
    promote(fleet.farm.context, ADMIN, campaign.campaign.id, force=True)
    assert fleet.fetched() == item.after.engine


def test_what_was_too_slow_and_is_built_again_waits_as_its_successor_does(fleet: Upgraded) -> None:
    former = fleet.live()
    campaign = fleet.finish(fleet.start(fail_if_slower_percent=5.0), median_ms=1.32)
    retry(fleet.farm.context, fleet.farm.user, campaign.campaign.id)
    assert fleet.finish(campaign).campaign.state is CampaignState.READY
    assert fleet.fetched() == former


def test_a_difference_inside_the_noise_holds_nothing(fleet: Upgraded) -> None:
    fleet.live()
    campaign = fleet.finish(fleet.start(fail_if_slower_percent=5.0), median_ms=1.32, cv_percent=60.0)
    assert (campaign.campaign.state, campaign.exit_code) == (CampaignState.READY, Exit.DONE)
    assert [item.speed and item.speed.speed for item in campaign.items] == [Speed.WITHIN_NOISE]


def test_a_noisy_measurement_cannot_keep_a_limit(fleet: Upgraded) -> None:
    fleet.live()
    campaign = fleet.finish(fleet.start(fail_if_slower_percent=5.0), median_ms=None)
    assert (campaign.campaign.state, campaign.exit_code) == (CampaignState.HELD, Exit.TOO_NOISY)
    assert "nobody can tell whether it is slower" in campaign.campaign.reason


def test_what_failed_holds_the_campaign_until_it_is_tried_again(anywhere: Upgraded) -> None:
    anywhere.live()
    campaign = anywhere.start()
    anywhere.new.fail(anywhere.claim())
    anywhere.farm.reconcile()
    held = anywhere.show(campaign)
    assert (held.campaign.state, held.exit_code) == (CampaignState.HELD, Exit.BUILD_FAILED)
    with pytest.raises(Conflict, match="has no good engine"):
        promote(anywhere.farm.context, ADMIN, campaign.campaign.id, force=True)
    again = retry(anywhere.farm.context, anywhere.farm.user, campaign.campaign.id)
    assert (again.campaign.state, again.campaign.states) == (CampaignState.RUNNING, {"queued": 1})
    assert anywhere.finish(campaign).campaign.state is CampaignState.READY
    with pytest.raises(Conflict, match=r"nothing of .* failed"):
        retry(anywhere.farm.context, anywhere.farm.user, campaign.campaign.id)


def test_wrong_numbers_are_never_promoted(fleet: Upgraded) -> None:
    former = fleet.live()
    campaign = fleet.start()
    fleet.new.publish(fleet.claim(), Verdict.FAILED)
    fleet.farm.reconcile()
    assert fleet.show(campaign).exit_code == Exit.NUMERICS_FAILED
    with pytest.raises(Conflict, match="has no good engine"):
        promote(fleet.farm.context, ADMIN, campaign.campaign.id, force=True)
    assert fleet.fetched() == former


def test_a_campaign_that_is_held_goes_on_building(fleet: Upgraded) -> None:
    fleet.live()
    campaign = fleet.start()
    held = hold(fleet.farm.context, fleet.farm.user, campaign.campaign.id, "after the demonstration")
    assert (held.campaign.state, held.campaign.reason) == (CampaignState.HELD, "after the demonstration")
    assert fleet.finish(campaign).campaign.state is CampaignState.HELD
    assert promote(fleet.farm.context, ADMIN, campaign.campaign.id).campaign.state is CampaignState.PROMOTED
    with pytest.raises(Conflict, match="is promoted and cannot be held"):
        hold(fleet.farm.context, fleet.farm.user, campaign.campaign.id)


def test_a_rollback_cancels_what_only_the_campaign_wanted(anywhere: Upgraded) -> None:
    anywhere.live()
    anywhere.live("other", b"another model")
    campaign = anywhere.start()
    wanted = anywhere.farm.submit(b"another model", ("new",), name="other")
    over = roll_back(anywhere.farm.context, ADMIN, campaign.campaign.id)
    assert (over.campaign.states, over.exit_code) == ({"cancelled": 2}, Exit.CANCELLED)
    assert anywhere.farm.states(wanted) == [State.QUEUED]


def test_the_former_set_is_kept_until_the_campaign_is_closed(anywhere: Upgraded) -> None:
    anywhere.farm.context = replace(anywhere.farm.context, policy=Policy(keep_s=0.0, keep_engines=1))
    former = anywhere.live()
    campaign = anywhere.finish(anywhere.start())
    promote(anywhere.farm.context, ADMIN, campaign.campaign.id)
    anywhere.live("net", b"a newer model")
    renewed = [item.after.engine for item in campaign.items if item.after]
    anywhere.farm.submit(b"a newer model", ("new",))
    anywhere.new.serve()
    assert garbage.sweep(anywhere.farm.context, dry_run=False).engines == ()
    with pytest.raises(Conflict, match="goes back to the engine"):
        artifacts.remove(anywhere.farm.context, former)
    assert close(anywhere.farm.context, ADMIN, campaign.campaign.id).campaign.state is CampaignState.CLOSED
    assert sorted(garbage.sweep(anywhere.farm.context, dry_run=False).engines) == sorted([former, *renewed])
    with pytest.raises(Conflict, match="is closed and cannot be rolled back"):
        roll_back(anywhere.farm.context, ADMIN, campaign.campaign.id)


def test_every_move_leaves_a_trace_with_who_made_it(fleet: Upgraded) -> None:
    fleet.live()
    campaign = fleet.finish(fleet.start())
    promote(fleet.farm.context, ADMIN, campaign.campaign.id)
    roll_back(fleet.farm.context, ADMIN, campaign.campaign.id)
    told = [item.data for item in events.after(fleet.farm.context, 0) if item.kind == "campaign"]
    assert [(item["state"], item.get("by")) for item in told] == [
        ("running", "user"),
        ("ready", None),
        ("promoted", "admin"),
        ("rolled_back", "admin"),
    ]


def test_a_blob_that_is_lost_is_told_and_tried_again(fleet: Upgraded) -> None:
    fleet.live()
    (graph,) = fleet.farm.model().files
    fleet.farm.context.blobs.delete(graph.sha256, older_than_s=0)
    campaign = fleet.start()
    assert campaign.campaign.states == {"failed": 1}
    assert "1 blobs are not stored yet" in campaign.items[0].problem
    fleet.farm.reconcile()
    assert fleet.show(campaign).campaign.state is CampaignState.HELD
    fleet.farm.model()
    assert retry(fleet.farm.context, fleet.farm.user, campaign.campaign.id).campaign.states == {"queued": 1}
    assert submissions.show(fleet.farm.context, fleet.show(campaign).items[0].submission or "").name == "net"
