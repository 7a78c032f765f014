"""The table of statuses in docs/protocol.md, held against what the doors answer."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from farm.protocol import errors
from orchestrator.api.body import LIMIT_BYTES
from orchestrator.api.errors import STATUS, status_of

from .doors import API, Doors

PAGE = Path(__file__).parents[3] / "docs" / "protocol.md"
ROW = re.compile(r"^\| (\d{3}) \| (.*) \|$", re.MULTILINE)


def documented() -> dict[int, set[str]]:
    """Status to the codes that the page names for it."""
    rows = {int(status): set(re.findall(r"`(\w+)`", text)) for status, text in ROW.findall(PAGE.read_text())}
    return {status: codes & set(errors.BY_CODE) for status, codes in rows.items()}


def test_the_page_names_every_status_with_its_codes() -> None:
    table = documented()
    for kind in STATUS:
        for method in ("GET", "POST"):
            status = status_of(kind("x"), method)
            assert kind.code in table[status], f"{kind.__name__} at {method} is {status}"
    assert not {code for status in (401, 403, 503, 507) for code in table[status]} - {
        "unauthorized",
        "forbidden",
        "unavailable",
        "storage_full",
    }


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "code"),
    [
        ("GET", f"{API}/nothing", {}, 404, "not_found"),
        ("PUT", f"{API}/tokens", {}, 405, "invalid"),
        ("POST", f"{API}/tokens", {"content": b" " * (LIMIT_BYTES + 1)}, 413, "invalid"),
        ("POST", f"{API}/tokens", {"content": b"{"}, 422, "protocol"),
    ],
)
def test_statuses_of_odd_requests(
    small_doors: Doors, method: str, path: str, options: dict[str, bytes], status: int, code: str
) -> None:
    answer = httpx.request(method, small_doors.url + path, headers=small_doors.headers(), **options)  # type: ignore[arg-type]  # content or nothing
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert code in documented()[status]
