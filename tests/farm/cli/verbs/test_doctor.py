"""`doctor`: facts that are written, and checks that say how to mend."""

from __future__ import annotations

import json
from pathlib import Path

from farm.protocol.codec import dumps

from ...double import Double
from ..conftest import Farm
from ..engines import here


def test_facts_are_written_to_be_registered(farm: Farm, double: Double, tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    assert farm("doctor", "--facts", path).code == 0
    assert json.loads(farm("doctor", "--facts", "-").out)["hostname"] == here().hostname
    assert farm("devices", "add", "--facts", path, "--name", "twin").code == 0
    assert dumps(double.devices["twin"].facts.cpu) == dumps(here().cpu)


def test_doctor_says_how_to_mend(farm: Farm) -> None:
    told = json.loads(farm("doctor", "--json").out)
    checks = {item["name"]: item for item in told["checks"]}
    assert (checks["token"]["status"], checks["token"]["found"]) == ("ok", "me (admin)")
    assert all(item["mend"] for item in told["checks"] if item["status"] != "ok")


def test_doctor_without_a_coordinator_and_with_one_that_is_gone(process: Farm) -> None:
    alone = process("doctor")
    assert alone.code == 0, alone.out
    rows = [line.split() for line in alone.lines if line.startswith(("coordinator ", "clock "))]
    assert [row[:2] for row in rows] == [["coordinator", "warn"], ["clock", "warn"]]
    assert "Run farm configure" in alone.out
    gone = process("doctor", "--url", "http://127.0.0.1:9", "--token", "x", "--json")
    assert gone.code == 1
    assert [item["name"] for item in json.loads(gone.out)["checks"] if item["status"] == "fail"] == ["coordinator"]
