"""What builds know of each other's timings: of a card that is not here, so that its worker is this process."""

from __future__ import annotations

import time
from typing import Any

from farm.filehash import file_ref
from farm.protocol.states import Role, Scope
from farm.protocol.timing import TimingCacheSwap
from farm.protocol.work import Claim, ClaimAsk, Enrolment
from tests.support.coordinator import gpu_facts
from worker.coordinator import Coordinator, LeaseLine
from worker.lease.transfer import send

from .site import QUICK, Site, calls

CARD = "card-of-calls"


def cached(site: Site) -> str:
    """The id of a timing cache that has a state."""
    found = [view.id for view in site.client.timing_caches.list() if view.sha256]
    if found:
        return found[0]
    secret = site.client.tokens.create(CARD, Scope.WORKER).secret
    worker = Coordinator(site.client.url, secret)
    worker.enrol(Enrolment(CARD, gpu_facts(), (Role.DEVICE,), ("gpu0",)))
    try:
        view = site.client.submit(site.model, [CARD], QUICK)
        line = worker.hold(_claim(worker).lease)
        _share(site, line)
        line.release("done")
        line.close()
        site.client.cancel(view.id)
    finally:
        worker.close()
        site.client.devices.retire(CARD)
    (made,) = site.client.timing_caches.list()
    return made.id


def _claim(worker: Coordinator) -> Claim:
    deadline = time.monotonic() + 60.0
    for number in range(1000):
        found = worker.claim(ClaimAsk("gpu0", (Role.DEVICE,), f"nonce-{number}", wait_s=2.0))
        if found:
            return found
        assert time.monotonic() < deadline, "the build was never prepared"
    raise AssertionError("the build was never prepared")


def _share(site: Site, line: LeaseLine) -> None:
    path = site.folder / "timing.cache"
    path.write_bytes(b"what a card was timed at")
    ref = file_ref(path)
    send(line.blobs, site.folder, (ref,), (), None)
    assert line.swap_timing_cache(TimingCacheSwap(line.lease.token, None, ref.sha256)).swapped


@calls("timing_caches.list")
def timing_caches_list(site: Site) -> Any:
    cached(site)
    return site.client.timing_caches.list()


@calls("timing_caches.show")
def timing_caches_show(site: Site) -> Any:
    view = site.client.timing_caches.show(cached(site))
    assert view.label == "NVIDIA H200 · tensorrt 8.5.3.1"
    assert view.versions[0].device == CARD
    return view


@calls("timing_caches.certify")
def timing_caches_certify(site: Site) -> Any:
    view = site.client.timing_caches.certify(cached(site))
    assert view.certified == view.sha256
    return view


@calls("timing_caches.uncertify")
def timing_caches_uncertify(site: Site) -> Any:
    view = site.client.timing_caches.uncertify(cached(site))
    assert view.certified is None
    return view


@calls("timing_caches.drop")
def timing_caches_drop(site: Site) -> Any:
    view = site.client.timing_caches.drop(cached(site))
    assert view.sha256 is None
    return view
