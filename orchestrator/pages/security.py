"""What keeps a page to itself: a policy for browsers, and a secret in each form that changes something."""

from __future__ import annotations

import hashlib
import hmac

from starlette.requests import Request

from farm.protocol.errors import Forbidden
from orchestrator.api.authentication import COOKIE

FORM_FIELD = "csrf"

# Everything comes from the coordinator itself, as a file: no inline script, no inline style, nothing of elsewhere.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("script", "style", "font", "img", "connect")),
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    # Without any referrer a browser would send forms without their origin too.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def form_secret(request: Request) -> str:
    """What a form of this session carries. It follows from the cookie, which no script and no other site can read."""
    session = request.cookies.get(COOKIE, "")
    return hmac.new(session.encode(errors="replace"), b"a form of farm", hashlib.sha256).hexdigest()


def check_form(request: Request, told: str) -> None:
    """Return if a form was made for this session.

    Raises: Forbidden
    """
    session = request.cookies.get(COOKIE, "")
    if not session or not hmac.compare_digest(told.encode(errors="replace"), form_secret(request).encode()):
        raise Forbidden("this form was not made for your session", "Load the page again, then repeat what you did.")
