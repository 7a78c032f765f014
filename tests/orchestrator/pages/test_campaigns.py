"""The pages of campaigns, as a browser gets them. The farm below is real; its workers only talk."""

from __future__ import annotations

import re

import httpx
import pytest

from farm.protocol.campaigns import CampaignDetail, CampaignState
from farm.protocol.states import Scope
from orchestrator.services.campaigns import views
from tests.orchestrator.api.doors import Doors
from tests.orchestrator.services.campaigns.upgraded import Upgraded, upgraded

from .conftest import Visitor
from .forms import sent


@pytest.fixture(scope="module")
def fleet(doors: Doors) -> Upgraded:
    made = upgraded(doors.farm)
    made.live()
    return made


@pytest.fixture
def held(fleet: Upgraded) -> CampaignDetail:
    """A campaign whose only engine is a third slower than it may be."""
    campaign = fleet.start(fail_if_slower_percent=5.0)
    for item in campaign.items:
        if item.exit_code is None:
            fleet.build(median_ms=1.65, error=2e-6)
    fleet.farm.reconcile()
    return fleet.show(campaign)


def buttons(page: httpx.Response) -> set[str]:
    """The deeds that a page offers."""
    return set(re.findall(r'action="/campaigns/[^/"]+/([a-z-]+)"', page.text))


def test_what_there_is_stands_in_a_list_that_says_how_to_begin(doors: Doors, visitor: Visitor) -> None:
    browser = visitor(Scope.SUBMIT)
    assert "farm campaign start --trt-version" in browser.get("/campaigns").text
    assert browser.get("/campaigns/cmp-none").status_code == 404
    assert visitor(Scope.FETCH).get("/campaigns").status_code == 403


def test_a_campaign_shows_each_engine_beside_its_former_one(held: CampaignDetail, visitor: Visitor) -> None:
    browser = visitor(Scope.SUBMIT)
    place = f"/campaigns/{held.campaign.id}"
    assert f'href="{place}"' in browser.get("/campaigns").text
    page = browser.get(place)
    assert page.status_code == 200
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))
    for told in ("onnxruntime 1.31.1", "1.65 was 1.10", "+50.0 % slower", "2.0e-06", "a median may grow by 5 %"):
        assert told in words
    assert "It is slower by 50.0 %; 5 % are allowed." in words
    assert buttons(page) == {"retry"}


def test_what_a_campaign_may_become_is_a_button_for_whoever_may(
    fleet: Upgraded, held: CampaignDetail, visitor: Visitor
) -> None:
    admin, place = visitor(Scope.ADMIN), f"/campaigns/{held.campaign.id}"
    assert buttons(admin.get(place)) == {"promote-anyway", "rollback", "retry"}
    assert sent(admin, f"{place}/promote", place).status_code == 409
    for deed, state, left in (
        ("promote-anyway", CampaignState.PROMOTED, {"rollback", "close"}),
        ("rollback", CampaignState.ROLLED_BACK, set()),
    ):
        assert sent(admin, f"{place}/{deed}", place).status_code == 303
        assert views.show(fleet.farm.context, held.campaign.id).campaign.state is state
        assert buttons(admin.get(place)) == left
    assert visitor(Scope.SUBMIT).post(f"{place}/promote").status_code == 403
