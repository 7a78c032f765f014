"""The dashboard in a real browser, over a farm that really builds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from farm.protocol.states import ENDED_STATES, DeviceState, Scope, State
from farm.protocol.views import SubmissionView
from tests.support import browser as browsers
from tests.support.browser import Visit, visit
from tests.support.waiting import until

from .fleet import QUICK, Fleet, net

pytestmark = pytest.mark.slow

FACTS = Path(__file__).parents[1] / "data" / "facts"
# Far longer than these tests look at it; it is cancelled from the page.
ENDLESS = replace(QUICK, duration_s=600.0)


@dataclass
class Scene:
    """A farm with a device that works, others that are only known, and builds that ended well and badly."""

    farm: Fleet
    done: str
    failed: str
    engine: str


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with browsers.browser() as started:
        yield started


@pytest.fixture(scope="module")
def scene(shared: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    folder = tmp_path_factory.mktemp("models")
    shared.worker("box-1")
    for name in ("rtx4090", "v100", "xavier"):
        added = shared.farm("devices", "add", "--facts", FACTS / f"{name}.json", "--name", name)
        assert added.code == 0, added.err
    done, failed = shared.submit(net(folder)), shared.submit(broken(folder))
    for submission in (done, failed):
        shared.ended(submission)
    (engine,) = shared.engines(done)
    return Scene(shared, build_of(shared, done), build_of(shared, failed), engine.id)


def broken(folder: Path) -> Path:
    """A model with an operator that there is not."""
    import onnx

    model = onnx.load(str(net(folder, 1)))
    model.graph.node[0].op_type = "Nonsense"
    path = folder / "broken.onnx"
    onnx.save(model, str(path))
    return path


def build_of(farm: Fleet, submission: SubmissionView) -> str:
    build = farm.client.status(submission.id).builds[0].build
    assert build
    return build


@pytest.fixture
def admin(chrome: Browser, scene: Scene) -> Iterator[Visit]:
    with visit(chrome, scene.farm.url) as visitor:
        visitor.sign_in(scene.farm.token)
        yield visitor


def test_the_form_takes_a_token_and_refuses_a_wrong_one(chrome: Browser, scene: Scene) -> None:
    with visit(chrome, scene.farm.url) as visitor:
        visitor.goto("/builds")
        visitor.looked_at("sign-in")
        expect(visitor.page.get_by_label("Token")).to_be_focused()
        visitor.page.keyboard.type("farm_wrong")
        visitor.page.keyboard.press("Enter")
        expect(visitor.page.get_by_role("alert")).to_contain_text("The token is unknown.")
        expect(visitor.page.get_by_label("Token")).to_be_focused()
        visitor.page.keyboard.type(scene.farm.token)
        visitor.page.keyboard.press("Enter")
        visitor.page.wait_for_url("**/builds")
        visitor.page.get_by_role("button", name="Sign out").click()
        visitor.page.wait_for_url("**/sign-in")
        visitor.page.goto("about:blank")
        visitor.goto(f"/sign-in#{scene.farm.token}")
        visitor.page.wait_for_url("**/fleet")


@pytest.mark.parametrize(("size", "scheme"), [("phone", "dark"), ("desk", "light")])
def test_every_page_fits_and_can_be_read(chrome: Browser, scene: Scene, size: str, scheme: str) -> None:
    with visit(chrome, scene.farm.url, size, scheme) as visitor:
        visitor.sign_in(scene.farm.token)
        expect(visitor.page.get_by_text("live", exact=True)).to_be_visible()
        places = {
            "fleet": "/fleet",
            "fleet-nothing": "/fleet?text=nothing",
            "device": "/devices/box-1",
            "builds": "/builds",
            "build": f"/builds/{scene.done}",
            "models": "/models",
            "model": "/models/net0",
            "engine": f"/engines/{scene.engine}",
            "compare": f"/compare?engine={scene.engine}",
            "history": "/models/net0/history",
            "drift": "/models/net0/drift",
            "build-failed": f"/builds/{scene.failed}",
        }
        for name, place in places.items():
            visitor.goto(place)
            visitor.looked_at(f"{name}-{size}-{scheme}")
        visitor.goto("/nowhere")
        expect(visitor.page.get_by_role("heading", name="Nothing here")).to_be_visible()
        visitor.complaints.clear()  # Chromium calls a page that is not there an error
        visitor.looked_at(f"nowhere-{size}-{scheme}")


def test_a_device_is_drained_by_keyboard_alone(admin: Visit, scene: Scene) -> None:
    page = admin.page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the content")).to_be_focused()
    page.keyboard.press("Enter")
    button = page.locator("#drain-box-1")
    for _ in range(20):
        page.keyboard.press("Tab")
        if button.evaluate("button => button === document.activeElement"):
            break
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("box-1 drains: it ends what it works on and takes nothing new.")).to_be_visible()
    expect(button).to_have_text("Undrain box-1")
    expect(button).to_be_focused()
    assert scene.farm.client.devices.show("box-1").state is DeviceState.DRAINING
    page.keyboard.press("Enter")
    expect(button).to_have_text("Drain box-1")
    assert scene.farm.client.devices.show("box-1").state is DeviceState.IDLE


def test_filters_narrow_the_list_and_the_address(admin: Visit) -> None:
    page = admin.page
    page.get_by_label("Name, card or target").fill("xavier")
    expect(page.get_by_role("row")).to_have_count(2)
    assert "text=xavier" in page.url
    page.reload()
    expect(page.get_by_label("Name, card or target")).to_have_value("xavier")
    expect(page.get_by_role("rowheader")).to_contain_text("xavier")


def test_the_colours_are_chosen_and_kept(admin: Visit) -> None:
    page = admin.page

    def paper() -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    before = paper()
    page.get_by_role("button", name="Dark").click()
    assert paper() != before
    admin.looked_at("fleet-desk-dark")
    page.reload()
    assert paper() != before
    page.get_by_role("button", name="Light").click()
    assert paper() == before


def test_a_build_is_watched_and_cancelled(admin: Visit, scene: Scene, tmp_path: Path) -> None:
    farm, page = scene.farm, admin.page
    submission = farm.submit(net(tmp_path, 77), benchmark=ENDLESS)
    build = build_of(farm, submission)
    admin.goto(f"/builds/{build}")
    expect(page.locator("[aria-current=step]")).to_contain_text("benchmarking")
    expect(page.locator("pre.log").last).to_contain_text("-- benchmarking")
    admin.looked_at("build-running")
    admin.goto("/fleet")
    expect(page.locator("#device-box-1")).to_contain_text("benchmarking")
    admin.looked_at("fleet-building")
    page.locator("#device-box-1").get_by_role("link", name="net77").click()
    page.wait_for_url(f"**/builds/{build}")
    page.get_by_role("button", name="Cancel this build").click()
    expect(page.locator(".facts")).to_contain_text("cancelled")
    expect(page.get_by_role("button", name="Build again")).to_be_visible()
    until(lambda: farm.client.build(build).state in ENDED_STATES, 60)
    assert farm.client.build(build).state is State.CANCELLED


def test_a_page_follows_what_others_do_until_its_token_ends(chrome: Browser, scene: Scene) -> None:
    client = scene.farm.client
    made = client.tokens.create("watching", Scope.FETCH)
    with visit(chrome, scene.farm.url, "phone") as visitor:
        visitor.sign_in(made.secret)
        expect(visitor.page.locator("#device-box-1")).to_be_visible()
        expect(visitor.page.get_by_role("button", name="Drain")).to_have_count(0)
        client.devices.drain("box-1")
        expect(visitor.page.locator("#device-box-1")).to_contain_text("draining")
        client.devices.undrain("box-1")
        client.tokens.revoke(made.token.id)
        visitor.page.wait_for_url("**/sign-in?next=%2Ffleet")
