"""Forms of pages, as a browser finds and sends them."""

from __future__ import annotations

import re

import httpx


def secret_in(page: httpx.Response) -> str:
    """The secret that the forms of a page carry."""
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page.text)
    assert found, page.text[:2000]
    return found[1]


def sent(client: httpx.Client, path: str, page: str = "/fleet", **headers: str) -> httpx.Response:
    """The answer to a form that was found on a page."""
    return client.post(path, data={"csrf": secret_in(client.get(page))}, headers=headers)
