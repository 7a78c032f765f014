"""Templates to answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from . import wording
from .navigation import NAVIGATION
from .security import FORM_FIELD, HEADERS, form_secret
from .static_files import static_files


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(),
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    made.globals.update(static=lambda name: static_files().url(name), navigation=NAVIGATION, form_field=FORM_FIELD)
    made.filters.update(wording.FILTERS)
    return made


_TEMPLATES = _environment()


def rendered(request: Request, template: str, **values: Any) -> str:
    """A template as text, with what every template may use: `caller`, `path` and `form_secret`."""
    shared = {
        "caller": getattr(request.state, "caller", None),
        "path": request.url.path,
        "form_secret": form_secret(request),
    }
    return _TEMPLATES.get_template(template).render(shared | values)


def page(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    """A template as an answer."""
    return HTMLResponse(rendered(request, template, **values), status, HEADERS)
