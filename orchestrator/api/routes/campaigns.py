"""Upgrade campaigns: who submits may start them, who administers decides what devices get."""

from __future__ import annotations

from farm.protocol.campaigns import CampaignAsk, CampaignDetail, CampaignView
from orchestrator.services.campaigns import deciding, starting, views

from ..asks import CampaignsQuery, HoldAsk, PromoteAsk
from ..query import NoQuery
from ..routing import ADMINS, SUBMITTERS, Call, Endpoints, ListOf

endpoints = Endpoints("campaigns")


@endpoints.route("POST", "/campaigns", SUBMITTERS, body=CampaignAsk, answer=CampaignDetail, status=201)
def start_campaign(call: Call[CampaignAsk, NoQuery]) -> CampaignDetail:
    """Start a campaign: build every live model anew on another toolchain."""
    return starting.start(call.context, call.body, call.caller)


@endpoints.route("GET", "/campaigns", SUBMITTERS, query=CampaignsQuery, answer=ListOf("campaigns", CampaignView))
def list_campaigns(call: Call[None, CampaignsQuery]) -> tuple[CampaignView, ...]:
    """Campaigns, newest first."""
    return views.every(call.context, call.query.limit)


@endpoints.route("GET", "/campaigns/{id}", SUBMITTERS, answer=CampaignDetail)
def show_campaign(call: Call[None, NoQuery]) -> CampaignDetail:
    """One campaign, with each new engine beside its former one."""
    return views.show(call.context, call.path["id"])


@endpoints.route("POST", "/campaigns/{id}/promote", ADMINS, body=PromoteAsk, answer=CampaignDetail)
def promote_campaign(call: Call[PromoteAsk, NoQuery]) -> CampaignDetail:
    """Promote a campaign: its engines are what devices fetch."""
    return deciding.promote(call.context, call.caller, call.path["id"], call.body.force)


@endpoints.route("POST", "/campaigns/{id}/hold", SUBMITTERS, body=HoldAsk, answer=CampaignDetail)
def hold_campaign(call: Call[HoldAsk, NoQuery]) -> CampaignDetail:
    """Hold a campaign, which goes on building."""
    return deciding.hold(call.context, call.caller, call.path["id"], call.body.reason)


@endpoints.route("POST", "/campaigns/{id}/retry", SUBMITTERS, answer=CampaignDetail)
def retry_campaign(call: Call[None, NoQuery]) -> CampaignDetail:
    """Build again what stands against promoting a campaign."""
    return deciding.retry(call.context, call.caller, call.path["id"])


@endpoints.route("POST", "/campaigns/{id}/rollback", ADMINS, answer=CampaignDetail)
def roll_back_campaign(call: Call[None, NoQuery]) -> CampaignDetail:
    """Roll a campaign back: devices fetch what they did before."""
    return deciding.roll_back(call.context, call.caller, call.path["id"])


@endpoints.route("POST", "/campaigns/{id}/close", ADMINS, answer=CampaignDetail)
def close_campaign(call: Call[None, NoQuery]) -> CampaignDetail:
    """Close a promoted campaign, which cannot be rolled back any more."""
    return deciding.close(call.context, call.caller, call.path["id"])
