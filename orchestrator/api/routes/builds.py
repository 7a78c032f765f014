"""Builds and preparations: what runs, what ran, and why it ended."""

from __future__ import annotations

from farm.protocol.views import BuildView, PreparationView
from orchestrator.services import build_views, cancelling
from orchestrator.services.build_views import BuildListing

from ..asks import BuildsQuery
from ..query import NoQuery
from ..routing import READERS, SUBMITTERS, Call, Endpoints, ListOf

endpoints = Endpoints("builds")


@endpoints.route("GET", "/builds", READERS, query=BuildsQuery, answer=ListOf("builds", BuildView))
def list_builds(call: Call[None, BuildsQuery]) -> tuple[BuildView, ...]:
    """Builds, newest first."""
    asked = call.query
    wanted = BuildListing(state=asked.state, model=asked.model, device=asked.device)
    return build_views.find(call.context, wanted, asked.target, asked.limit)


@endpoints.route("GET", "/builds/{id}", READERS, answer=BuildView)
def show_build(call: Call[None, NoQuery]) -> BuildView:
    """One build with its attempts."""
    return build_views.show(call.context, call.path["id"])


@endpoints.route("POST", "/builds/{id}/cancel", SUBMITTERS, answer=BuildView)
def cancel_build(call: Call[None, NoQuery]) -> BuildView:
    """Cancel every request that wants a build."""
    cancelling.cancel_build(call.context, call.path["id"], f"cancelled by {call.caller.name}")
    return build_views.show(call.context, call.path["id"])


@endpoints.route("GET", "/preparations/{id}", READERS, answer=PreparationView)
def show_preparation(call: Call[None, NoQuery]) -> PreparationView:
    """One preparation with its attempts."""
    return build_views.preparation(call.context, call.path["id"])
