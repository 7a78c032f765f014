"""Upgrade campaigns: to a runtime of the future, whose worker is this process."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from farm.filehash import file_ref
from farm.protocol.campaigns import CampaignDetail, CampaignState
from farm.protocol.facts import BackendFacts
from farm.protocol.report import Verdict, VerificationReport
from farm.protocol.requirement import requirement_from_target
from farm.protocol.states import Role, Scope
from farm.protocol.work import BuildResult, ClaimAsk, Enrolment
from worker.coordinator import Coordinator
from worker.lease.transfer import send

from .site import Site, calls

FUTURE = "99.0.1"
_DEVICE = "future"
_NONCES = itertools.count(1)


class Future:
    """A machine like this one whose runtime is newer than any: what it publishes is a file of a few bytes."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.worker = Coordinator(site.client.url, site.client.tokens.create(_DEVICE, Scope.WORKER).secret)
        here = site.client.devices.show(site.device).facts
        facts = replace(here, backends=(BackendFacts("onnxruntime", FUTURE),))
        self.worker.enrol(Enrolment(_DEVICE, facts, (Role.DEVICE,), ("cpu0",)))

    def serve(self) -> None:
        """Publish whatever is asked for now."""
        while True:
            claim = self.worker.claim(ClaimAsk("cpu0", (Role.DEVICE,), f"future-{next(_NONCES)}"))
            if claim is None:
                return
            assert claim.build
            line = self.worker.hold(claim.lease)
            path = self._site.folder / "engine.onnx"
            path.write_bytes(claim.lease.attempt.encode())
            ref = file_ref(path)
            send(line.blobs, self._site.folder, (ref,), (), None)
            proof = VerificationReport(Verdict.PASSED, "the same", (), claim.build.verify)
            needs = requirement_from_target(claim.build.key.target)
            line.publish(BuildResult(claim.lease.token, (ref,), (), (), needs, {}, proof, None))
            line.close()


@contextmanager
def campaign(site: Site, built: bool = False) -> Iterator[str]:
    """A campaign to that runtime, with its engines built or not; over at the end of the block."""
    future = Future(site)
    made = site.client.campaigns.start("onnxruntime", FUTURE, ["cpu"], ["net"])
    try:
        if built:
            future.serve()
            site.client.campaigns.wait(made.campaign.id, timeout_s=60.0)
        yield made.campaign.id
    finally:
        if site.client.campaigns.show(made.campaign.id).campaign.state is not CampaignState.CLOSED:
            site.client.campaigns.roll_back(made.campaign.id)
        future.worker.close()
        site.client.devices.retire(_DEVICE)


@calls("campaigns.start")
def start(site: Site) -> Any:
    future = Future(site)
    made = site.client.campaigns.start("onnxruntime", "99", ["cpu"], ["net"], fail_if_slower_percent=5.0)
    assert (made.campaign.version, made.campaign.fail_if_slower_percent) == (FUTURE, 5.0)
    site.client.campaigns.roll_back(made.campaign.id)
    future.worker.close()
    site.client.devices.retire(_DEVICE)
    return made


@calls("campaigns.list")
def list_(site: Site) -> Any:
    with campaign(site) as one:
        found = site.client.campaigns.list()
        assert found[0].id == one
        return found


@calls("campaigns.show")
def show(site: Site) -> Any:
    with campaign(site) as one:
        return site.client.campaigns.show(one)


@calls("campaigns.promote")
def promote(site: Site) -> Any:
    with campaign(site, built=True) as one:
        return _in(CampaignState.PROMOTED, site.client.campaigns.promote(one))


@calls("campaigns.hold")
def hold(site: Site) -> Any:
    with campaign(site) as one:
        return _in(CampaignState.HELD, site.client.campaigns.hold(one, "not on a Friday"))


@calls("campaigns.retry")
def retry(site: Site) -> Any:
    with campaign(site) as one:
        for item in site.client.campaigns.show(one).items:
            site.client.cancel(item.submission or "")
        return _in(CampaignState.RUNNING, site.client.campaigns.retry(one))


@calls("campaigns.roll_back")
def roll_back(site: Site) -> Any:
    with campaign(site) as one:
        return _in(CampaignState.ROLLED_BACK, site.client.campaigns.roll_back(one))


@calls("campaigns.close")
def close(site: Site) -> Any:
    with campaign(site, built=True) as one:
        site.client.campaigns.promote(one)
        return _in(CampaignState.CLOSED, site.client.campaigns.close(one))


@calls("campaigns.wait")
def wait(site: Site) -> Any:
    with campaign(site, built=True) as one:
        seen: list[CampaignDetail] = []
        found = site.client.campaigns.wait(one, seen.append, timeout_s=60.0)
        assert seen[-1] == found
        return _in(CampaignState.READY, found)


def _in(state: CampaignState, detail: CampaignDetail) -> CampaignDetail:
    assert detail.campaign.state is state
    return detail
