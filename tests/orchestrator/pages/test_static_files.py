from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from orchestrator import pages
from orchestrator.pages.static_files import static_files
from tests.orchestrator.api.doors import Doors

HERE = Path(pages.__file__).parent
TEMPLATES = sorted((HERE / "templates").glob("*.html"))


def test_a_file_is_kept_for_good_under_the_address_of_its_content(doors: Doors) -> None:
    url = static_files().url("css/tokens.css")
    with httpx.Client(base_url=doors.url) as anybody:
        first = anybody.get(url)
        assert (first.status_code, first.headers["content-type"]) == (200, "text/css; charset=utf-8")
        assert "immutable" in first.headers["cache-control"]
        again = anybody.get(url, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        old = anybody.get(url.replace(static_files().digest, "0" * 16))
        assert (old.content, old.headers["cache-control"]) == (first.content, "no-cache")


@pytest.mark.parametrize("name", ["css/none.css", "../routes.py", "%2e%2e/routes.py", "vendor/htmx/LICENSE", ""])
def test_nothing_else_is_served(doors: Doors, name: str) -> None:
    with httpx.Client(base_url=doors.url, follow_redirects=True) as anybody:
        assert anybody.get(f"/static/{static_files().digest}/{name}").status_code == 404


def test_every_file_that_a_template_or_a_style_sheet_names_is_there() -> None:
    named = {name for path in TEMPLATES for name in re.findall(r"static\('([^'~]+)'\)", path.read_text())}
    assert len(named) > 5
    for name in named:
        assert static_files().url(name)
    for sheet in sorted((HERE / "static/css").glob("*.css")):
        for link in re.findall(r'url\("([^"]+)"\)', sheet.read_text()):
            assert (sheet.parent / link).resolve().relative_to(HERE / "static").as_posix() in static_files().contents


def test_no_template_has_what_the_policy_refuses() -> None:
    refused = re.compile(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=|javascript:|hx-on|hx-vals='js", re.I)
    assert {path.name: found[0] for path in TEMPLATES if (found := refused.search(path.read_text()))} == {}


def test_what_others_wrote_has_its_licence() -> None:
    for folder in (HERE / "static/vendor").iterdir():
        assert (folder / "LICENSE").stat().st_size > 100, folder.name
