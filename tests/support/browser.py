"""A real browser: Debian's Chromium, driven by Playwright; and what it showed, kept for people to look at."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
# What a phone shows, and a desk.
WIDTHS = {"phone": (390, 844), "desk": (1920, 1080)}


# A busy machine is slow, which is no fault of a page.
expect.set_options(timeout=60_000)


def chromium() -> str:
    """The path of Chromium; one that is missing is an error, never a skip."""
    found = shutil.which("chromium")
    assert found, "no Chromium here: apt-get install chromium"
    return found


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser until the end of the block."""
    with sync_playwright() as driver:
        # It shows our own pages only, and in a container has neither what its sandbox needs nor much /dev/shm.
        flags = ["--no-sandbox", "--disable-dev-shm-usage"]
        started = driver.chromium.launch(executable_path=chromium(), args=flags)
        try:
            yield started
        finally:
            started.close()


@dataclass
class Visit:
    """A page, and what the browser complained about on it."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)

    def sign_in(self, token: str, place: str = "/fleet") -> None:
        """Sign in by the form, and go to a place."""
        self.page.goto(f"{self.url}{place}")
        self.page.get_by_label("Token").fill(token)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(f"{self.url}{place}")

    def goto(self, place: str) -> None:
        """Go to a place of the farm."""
        self.page.goto(f"{self.url}{place}")

    def looked_at(self, name: str) -> None:
        """Keep a picture of the whole page, and check what a person or a screen reader would stumble over."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{name} is {wide} px too wide"
        found = Axe().run(self.page)
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"
        assert self.complaints == [], f"{name}: {self.complaints}"


@contextmanager
def visit(started: Browser, url: str, size: str = "desk", scheme: str = "light") -> Iterator[Visit]:
    """A visitor of the farm with cookies of their own."""
    width, height = WIDTHS[size]
    context = started.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if scheme == "dark" else "light"
    )
    try:
        yield Visit(context.new_page(), url)
    finally:
        context.close()
