"""Timing caches of the fleet."""

from __future__ import annotations

from farm.protocol.timing import TimingCacheSwap, TimingCacheSwapped, TimingCacheView
from orchestrator.services import timing_caches

from ..asks import CertifyAsk
from ..query import NoQuery
from ..routing import ADMINS, READERS, WORKERS, Call, Endpoints, ListOf

endpoints = Endpoints("timing caches")


@endpoints.route("GET", "/timing-caches", READERS, answer=ListOf("timing_caches", TimingCacheView))
def list_timing_caches(call: Call[None, NoQuery]) -> tuple[TimingCacheView, ...]:
    """Every timing cache of the fleet."""
    return timing_caches.every(call.context)


@endpoints.route("GET", "/timing-caches/{id}", READERS, answer=TimingCacheView)
def show_timing_cache(call: Call[None, NoQuery]) -> TimingCacheView:
    """One timing cache."""
    return timing_caches.show(call.context, call.path["id"])


@endpoints.route("POST", "/timing-caches/{id}/certify", ADMINS, body=CertifyAsk, answer=TimingCacheView)
def certify_timing_cache(call: Call[CertifyAsk, NoQuery]) -> TimingCacheView:
    """Pin a state of a timing cache."""
    return timing_caches.certify(call.context, call.caller, call.path["id"], call.body.sha256)


@endpoints.route("POST", "/timing-caches/{id}/uncertify", ADMINS, answer=TimingCacheView)
def uncertify_timing_cache(call: Call[None, NoQuery]) -> TimingCacheView:
    """Let no state of a timing cache be certified."""
    return timing_caches.uncertify(call.context, call.path["id"])


@endpoints.route("DELETE", "/timing-caches/{id}", ADMINS, answer=TimingCacheView)
def drop_timing_cache(call: Call[None, NoQuery]) -> TimingCacheView:
    """Drop what builds are given; the next one begins empty."""
    return timing_caches.drop(call.context, call.path["id"])


@endpoints.route("POST", "/leases/{attempt}/timing-cache", WORKERS, body=TimingCacheSwap, answer=TimingCacheSwapped)
def swap_timing_cache(call: Call[TimingCacheSwap, NoQuery]) -> TimingCacheSwapped:
    """Put what a build learned in the place of the timing cache it grew from."""
    return timing_caches.swap(call.context, call.caller, call.path["attempt"], call.body)
