"""What people see in Grafana, asked of a real Prometheus that scrapes a real coordinator after a real build."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from farm.protocol.options import BenchmarkPolicy
from farm.protocol.states import Scope, State
from tests.e2e.fleet import fleet, net
from tests.support.programs import needed
from tests.support.waiting import until

from .prometheus import DEPLOY, SCRAPE_S, Prometheus

DASHBOARDS = {path.stem: json.loads(path.read_text()) for path in (DEPLOY / "grafana/dashboards").glob("*.json")}
# What Grafana puts in the place of its variables.
GRAFANA = {"$__rate_interval": f"{30 * SCRAPE_S}s", "$__range": "1h", "$target": ".*"}
# A panel and why it has no number here.
SILENT = {"Compiling a plugin (p95)": "no plugin was compiled: an engine of ONNX Runtime has none"}
OTHER = BenchmarkPolicy(warmup_ms=10, iterations=6, duration_s=0.05, max_cv_percent=100000.0, attempts=1)


def panels() -> list[Any]:
    return [
        pytest.param(panel, id=f"{name}: {panel['title']}")
        for name, dashboard in sorted(DASHBOARDS.items())
        for panel in dashboard["panels"]
        if panel["type"] != "row"
    ]


def asked(expr: str) -> str:
    """The query that Grafana sends."""
    for variable, value in GRAFANA.items():
        expr = expr.replace(variable, value)
    assert "$" not in expr
    return expr


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Of a farm with two builds that are done and were each answered once more from the store, and one that waits."""
    folder = tmp_path_factory.mktemp("watched")
    with fleet(folder, broker_url="none") as farm:
        server = Prometheus(farm.url, farm.client.tokens.create("prometheus", Scope.FETCH).secret)
        try:
            worker = farm.worker("box")
            # Twice, with a scrape between: a rate needs a number that was there before.
            for seed in (1, 2):
                model = net(folder, seed)
                farm.ended(farm.submit(model))
                assert [item.state for item in farm.ended(farm.submit(model)).builds] == [State.CACHED]
                until(lambda placed=2.0 * seed: server.values("sum(farm_requests_placed_total)") == [placed], 30)  # type: ignore[misc]
            worker.end()
            farm.submit(model, benchmark=OTHER)
            until(lambda: server.values('farm_builds{state="queued"}') == [1.0], 30)
            yield server
        finally:
            server.stop()


@pytest.mark.slow
@pytest.mark.parametrize("panel", panels())
def test_each_query_of_each_panel_has_a_number_after_a_build(prometheus: Prometheus, panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        query = asked(target["expr"])
        if panel["title"] in SILENT:
            assert prometheus.values(query) == [], "it has a number: take it out of SILENT"
        else:
            until(lambda query=query: prometheus.values(query), 20, query)  # type: ignore[misc]


@pytest.mark.slow
def test_what_is_shown_is_what_happened(prometheus: Prometheus) -> None:
    def shows(title: str) -> list[float]:
        (panel,) = (panel.values[0] for panel in panels() if panel.values[0]["title"] == title)
        return prometheus.values(asked(panel["targets"][0]["expr"]))

    assert shows("Coordinator") == shows("Database") == shows("Broker") == [1.0]
    assert shows("Builds in the queue") == [1.0]
    # Two of five.
    assert 0 < shows("Answered from the store")[0] < 1
    assert len(shows("Stages of builds (p95)")) == 4


@pytest.mark.slow
def test_variables_of_dashboards_have_values(prometheus: Prometheus) -> None:
    for dashboard in DASHBOARDS.values():
        for variable in dashboard["templating"]["list"]:
            told = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"])
            assert told, variable
            found = prometheus.get("series", **{"match[]": told[1]})
            assert [item[told[2]] for item in found], variable


@pytest.mark.slow
def test_it_scrapes_with_its_token_and_no_rule_fails(prometheus: Prometheus) -> None:
    until(lambda: len(prometheus.get("targets")["activeTargets"]) == 2)
    until(lambda: {item["health"] for item in prometheus.get("targets")["activeTargets"]} == {"up"}, 20)
    groups = prometheus.get("rules")["groups"]
    assert sum(len(group["rules"]) for group in groups) >= 14
    assert {rule["health"] for group in groups for rule in group["rules"]} <= {"ok", "unknown"}
    for rule in (rule for group in groups for rule in group["rules"]):
        prometheus.get("query", query=rule["query"])


def test_each_alert_is_quiet_while_all_is_well_and_fires_when_it_should() -> None:
    promtool = needed("promtool", "prometheus")
    folder = DEPLOY / "prometheus"
    for command in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        told = subprocess.run([promtool, *command], cwd=folder, capture_output=True, text=True)
        assert told.returncode == 0, told.stdout + told.stderr
    named = re.findall(r"- alert: (\w+)", (folder / "alerts.yml").read_text())
    tests = (folder / "alerts_test.yml").read_text()
    once = [name for name in named if len(re.findall(rf"alertname: {name}\b", tests)) < 2]
    assert once == [], "each is tried quiet and firing"


def test_the_configuration_is_one_of_prometheus(tmp_path: Path) -> None:
    promtool = needed("promtool", "prometheus")
    for path in (DEPLOY / "prometheus").glob("*.yml"):
        (tmp_path / path.name).write_text(path.read_text())
    (tmp_path / "farm.token").write_text("token")
    told = subprocess.run(
        [promtool, "check", "config", str(tmp_path / "prometheus.yml")], capture_output=True, text=True
    )
    assert told.returncode == 0, told.stderr


def test_dashboards_are_what_their_tables_say() -> None:
    command = [sys.executable, str(DEPLOY / "grafana/write.py"), "--check"]
    told = subprocess.run(command, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert sorted(DASHBOARDS) == ["builds", "fleet"]


def test_panels_have_a_place_of_their_own() -> None:
    for name, dashboard in DASHBOARDS.items():
        taken: set[tuple[int, int]] = set()
        for panel in dashboard["panels"]:
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not taken & cells, f"{name}: {panel['title']}"
            assert max(x for x, _ in cells) < 24
            taken |= cells
        ids = [panel["id"] for panel in dashboard["panels"]]
        assert len(ids) == len(set(ids))
