"""Models by targets in a real browser: engines that two machines really built, compared, filled in, and their drift."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from farm.protocol.options import BuildOptions, Precision
from farm.protocol.states import GOOD_STATES
from tests.support import browser as browsers
from tests.support.browser import Visit, visit
from tests.support.waiting import until

from .fleet import Fleet, fleet, net

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Scene:
    """A farm with two machines that differ: `full` is built on both, in two precisions on the new one; `half` on one.

    Attributes:
        labels: Of the two targets, by device.
    """

    farm: Fleet
    labels: dict[str, str]


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with browsers.browser() as started:
        yield started


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, python39: Path) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("models")
    with fleet(tmp_path_factory.mktemp("fleet"), broker_url="none") as farm:
        farm.worker("new")
        farm.worker("old", "--roles", "device", python=str(python39))
        labels = {view.name: view.targets[0] for view in farm.client.devices.list()}
        full, half = net(folder, 1), net(folder, 2)
        for path, targets, precision in (
            (full, ("new", "old"), Precision.FP32),
            (full, ("new",), Precision.FP16),
            (half, ("new",), Precision.FP32),
        ):
            ended = farm.ended(farm.submit(path, *targets, build=BuildOptions(precision)))
            assert all(item.state in GOOD_STATES for item in ended.builds), farm.story(ended)
        yield Scene(farm, labels)


@pytest.fixture
def admin(chrome: Browser, scene: Scene) -> Iterator[Visit]:
    with visit(chrome, scene.farm.url) as visitor:
        visitor.sign_in(scene.farm.token, "/models")
        yield visitor


@pytest.mark.parametrize(("size", "scheme"), [("phone", "light"), ("desk", "dark")])
def test_pages_of_engines_of_two_machines_fit_and_can_be_read(
    chrome: Browser, scene: Scene, size: str, scheme: str
) -> None:
    engines = {view.built_on: view.id for view in scene.farm.client.engines.list() if view.model_name == "net1"}
    with visit(chrome, scene.farm.url, size, scheme) as visitor:
        visitor.sign_in(scene.farm.token, "/models")
        for name, place in {
            "matrix": "/models",
            "engine-new": f"/engines/{engines['new']}",
            "compare-two": f"/compare?engine={engines['old']}&engine={engines['new']}",
            "history-new": f"/models/net1/history?target={scene.labels['new']}",
            "drift-two": "/models/net1/drift",
        }.items():
            visitor.goto(place)
            visitor.looked_at(f"{name}-{size}-{scheme}")


def test_ticked_cells_are_laid_side_by_side(admin: Visit, scene: Scene) -> None:
    page = admin.page
    for label in scene.labels.values():
        page.get_by_role("checkbox", name=f"Compare net1 on {label}").check()
    page.get_by_role("button", name="Compare the ticked").click()
    page.wait_for_url("**/compare?engine=*")
    expect(page.get_by_role("heading", level=1)).to_contain_text("2 engines")
    expect(page.get_by_role("region", name="Fields that differ")).to_contain_text("target.backend_version")


def test_a_hole_is_filled_from_the_page_and_becomes_an_engine(admin: Visit, scene: Scene) -> None:
    page, label = admin.page, scene.labels["old"]
    kept = page.get_by_role("checkbox", name=f"Compare net1 on {label}")
    kept.check()
    page.get_by_role("button", name=f"Build net2 for {label}").click()
    expect(page.locator("#told")).to_contain_text(f"net2 for {label}")
    # The page follows the build by itself, and keeps what was ticked meanwhile.
    made = page.get_by_role("checkbox", name=f"Compare net2 on {label}")
    expect(made).to_be_visible(timeout=90_000)
    expect(kept).to_be_checked()
    until(lambda: len([item for item in scene.farm.client.engines.list() if item.model_name == "net2"]) == 2, 10)


def test_drift_compares_what_both_machines_gave(admin: Visit, scene: Scene) -> None:
    page = admin.page
    admin.goto("/models/net1/drift?precision=fp32")
    expect(page.get_by_role("heading", level=2)).to_contain_text("2 engines")
    outputs, devices = page.get_by_role("table").all()
    expect(outputs).to_contain_text("all ")
    worst = float(outputs.get_by_role("row").nth(1).get_by_role("cell").first.inner_text())
    assert 0.0 <= worst < 1e-3, "two versions of one runtime in float32"
    expect(devices.get_by_role("row")).to_have_count(3)


def test_an_engine_is_downloaded_as_it_is_stored(admin: Visit, scene: Scene) -> None:
    (engine,) = (
        view
        for view in scene.farm.client.engines.list()
        if view.model_name == "net1" and view.precision is Precision.FP16
    )
    admin.goto(f"/engines/{engine.id}")
    expect(admin.page.get_by_role("img", name="samples took")).to_be_visible()
    with admin.page.expect_download() as started:
        admin.page.get_by_role("link", name="engine.onnx").click()
    assert started.value.path().stat().st_size > 0
