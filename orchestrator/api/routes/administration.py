"""Tokens: who may do what."""

from __future__ import annotations

from farm.protocol.views import NewToken, TokenView
from orchestrator.services import tokens

from ..asks import TokenAsk
from ..query import NoQuery
from ..routing import ADMINS, ANYBODY, Call, Endpoints, ListOf

endpoints = Endpoints("administration")


@endpoints.route("POST", "/tokens", ADMINS, body=TokenAsk, answer=NewToken, status=201)
def create_token(call: Call[TokenAsk, NoQuery]) -> NewToken:
    """Make a token; its secret is in this answer and nowhere else."""
    ask = call.body
    return tokens.create(call.context, ask.name, ask.scope, ask.device, ask.targets, ask.expires_s, ask.trust_group)


@endpoints.route("GET", "/tokens", ADMINS, answer=ListOf("tokens", TokenView))
def list_tokens(call: Call[None, NoQuery]) -> tuple[TokenView, ...]:
    """Every token without its secret."""
    return tokens.every(call.context)


@endpoints.route("DELETE", "/tokens/{id}", ADMINS)
def revoke_token(call: Call[None, NoQuery]) -> None:
    """Revoke a token at once."""
    call.tokens.revoke(call.path["id"], call.caller)


@endpoints.route("GET", "/whoami", ANYBODY, answer=TokenView)
def whoami(call: Call[None, NoQuery]) -> TokenView:
    """The token this call was made with."""
    return tokens.own(call.context, call.caller)
