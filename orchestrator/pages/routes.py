"""Every page, and how errors look."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from . import builds, campaigns, comparing, devices, engines, fleet, models
from .navigation import NAVIGATION
from .sign_in import sign_in_routes
from .static_files import static_route
from .troubles import answer as error_page

__all__ = ["error_page", "page_routes"]

_GROUPS = (fleet.pages, devices.pages, builds.pages, models.pages, engines.pages, comparing.pages, campaigns.pages)


def page_routes() -> list[Route]:
    """The routes for browsers; their files and the form to sign in are public."""
    pages = [route for group in _GROUPS for route in group.routes]
    return [static_route(), *sign_in_routes(), Route("/", _first, methods=["GET"]), *pages]


async def _first(request: Request) -> Response:
    return RedirectResponse(NAVIGATION[0].path, 303)
