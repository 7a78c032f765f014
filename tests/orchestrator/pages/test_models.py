"""The pages of models and engines, as a browser gets them. The farm below is real; its workers only talk."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import pytest

from farm.protocol.report import Verdict
from farm.protocol.states import Role, Scope
from orchestrator.services import matrix
from tests.orchestrator.api.doors import Doors
from tests.support.coordinator import Talker, gpu_facts

from .conftest import Visitor
from .forms import secret_in

CPU, H200 = "cpu avx512f · onnxruntime 1.31.1", "NVIDIA H200 · tensorrt 8.5.3.1"


@dataclass(frozen=True)
class Built:
    """A farm with engines: of `net` for the processor twice, and one that gave wrong numbers for a card."""

    box: Talker
    card: Talker
    engines: tuple[str, ...]


@pytest.fixture(scope="module")
def built(doors: Doors) -> Built:
    farm = doors.farm
    box = farm.enrol("box")
    card = farm.enrol("card", gpu_facts(), (Role.DEVICE,), ("gpu0",))
    engines = []
    for _ in range(2):
        farm.clock.pass_s(3600.0)
        farm.submit(force=True, targets=("cpu",))
        claim = box.claim()
        while claim and claim.preparation:
            box.prepare(claim)
            claim = box.claim()
        assert claim
        engines.append(box.publish(claim).engine)
    farm.submit(targets=(H200,))
    box.serve()
    claim = card.claim()
    assert claim
    card.publish(claim, Verdict.FAILED)
    farm.submit(b"other", name="other")
    return Built(box, card, tuple(engines))


Open = Callable[[str], str]


@pytest.fixture
def seen(built: Built, visitor: Visitor) -> Open:
    """What a reader sees of a place."""
    browser = visitor(Scope.FETCH)

    def opened(place: str) -> str:
        answer = browser.get(place)
        assert answer.status_code == 200, answer.text
        return answer.text

    return opened


def text_of(page: str) -> str:
    """The words of a page, without its elements."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition("<main")[2]))


def test_the_matrix_shows_each_cell_and_only_submitters_fill_holes(seen: Open, built: Built, visitor: Visitor) -> None:
    page = seen("/models")
    assert f'href="/engines/{built.engines[1]}"' in page
    assert built.engines[0] not in page
    words = text_of(page)
    assert "1.10 ms fp32" in words
    assert "quarantined" in words
    assert "Build" not in words.replace("Builds", "")
    offered = visitor(Scope.SUBMIT).get("/models").text
    assert f'name="again" value="net {H200}"' in offered
    assert f'name="place" value="other {H200}"' in offered
    assert f'value="net {CPU}"' not in offered


def test_filters_narrow_the_matrix(seen: Open) -> None:
    assert "net" not in text_of(seen("/models?model=oth")).split()
    assert "H200" not in seen("/models?target=onnxruntime")
    assert "No model or target matches." in seen("/models?model=nothing")
    assert "no device" not in seen("/models")


def test_a_hole_is_filled_by_its_button(built: Built, doors: Doors, visitor: Visitor) -> None:
    browser = visitor(Scope.SUBMIT)
    form = {"csrf": secret_in(browser.get("/models")), "place": f"other {H200}"}
    answer = browser.post("/models/build", data=form, headers={"HX-Request": "true"})
    assert "other for NVIDIA H200" in answer.text
    found = matrix.show(doors.context, matrix.Wanted(model="other", target="h200"))
    assert found.rows[0].cells[0].standing.value == "building"
    again = browser.post("/models/build", data={**form, "place": "", "again": f"net {H200}"})
    assert (again.status_code, again.headers["location"]) == (303, "/models?model=net")


@pytest.mark.parametrize(
    ("scope", "form", "status"),
    [
        (Scope.SUBMIT, {"place": "other"}, 422),
        (Scope.SUBMIT, {"place": f"unknown {H200}"}, 404),
        (Scope.SUBMIT, {"place": "other no such target"}, 409),
        (Scope.FETCH, {"place": f"other {H200}"}, 403),
        (Scope.SUBMIT, {"place": f"other {H200}", "csrf": "0" * 64}, 403),
    ],
)
def test_a_hole_is_not_filled_by_anybody_with_anything(
    built: Built, visitor: Visitor, scope: Scope, form: dict[str, str], status: int
) -> None:
    browser = visitor(scope)
    answer = browser.post("/models/build", data={"csrf": secret_in(browser.get("/models")), **form})
    assert answer.status_code == status


def test_the_page_of_a_model_lists_its_engines(seen: Open, built: Built) -> None:
    page = seen("/models/net")
    assert all(f'value="{engine}"' in page for engine in built.engines)
    assert "failed" in text_of(page)
    assert "No engine yet." in seen("/models/other")


def test_the_page_of_an_engine_tells_what_is_known(seen: Open, built: Built) -> None:
    page = seen(f"/engines/{built.engines[0]}")
    words = text_of(page)
    for told in ("1.10 ms", "p99", "as compared", "onnxruntime 1.31.1", "engine.onnx", "options.precision", "box"):
        assert told in words.lower(), told
    (blob,) = set(re.findall(r"/api/v1/blobs/[0-9a-f]{64}", page))
    assert blob
    assert f'value="{built.engines[1]}"' in page, "the other engine can be compared"


def test_engines_stand_side_by_side(seen: Open, built: Built) -> None:
    one, other = built.engines
    page = seen(f"/compare?engine={one}&engine={other}")
    words = text_of(page)
    assert "+0.0 % within noise" in words
    assert "Their keys are equal" in words
    assert "No engine was chosen." in seen("/compare")


def test_a_history_has_its_points(seen: Open, built: Built) -> None:
    page = seen("/models/net/history")
    assert page.count("<circle") == 2
    assert all(f"/engines/{engine}" in page for engine in built.engines)
    assert "Nothing was measured yet." in seen("/models/other/history")
    assert "Nothing was measured for this target." in seen(f"/models/net/history?target={H200} of old")


def test_drift_without_values_says_so(seen: Open) -> None:
    page = seen("/models/net/drift")
    assert "No device kept values" in page
    assert "Without values" in page


@pytest.mark.parametrize(
    "place",
    ["/models/unknown", "/models/unknown/history", "/models/unknown/drift", "/engines/eng-1", "/compare?engine=x"],
)
def test_what_is_not_there_is_a_page_that_says_so(built: Built, visitor: Visitor, place: str) -> None:
    answer: httpx.Response = visitor(Scope.FETCH).get(place)
    assert answer.status_code == 404
    assert "<h1>" in answer.text
