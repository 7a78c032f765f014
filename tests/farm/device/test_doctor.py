from __future__ import annotations

import dataclasses
import json
import shutil
import threading
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Dict, Iterator, Optional, Tuple

import pytest

from farm import __version__
from farm.device.checks import coordinator
from farm.device.checks.check import Check, Status
from farm.device.checks.hardware import check_cuda, check_disk, check_driver
from farm.device.checks.tools import check_cmake, check_docker, check_headers, check_nvcc, check_packages
from farm.device.cuda import CudaFacts
from farm.device.doctor import run_checks
from farm.device.machine import Machine
from farm.device.probe import probe
from farm.protocol.facts import BackendFacts, DeviceFacts

from .recorded_machine import NAMES, RECORDED, machine_of, recorded


class Coordinator(BaseHTTPRequestHandler):
    """Answers as a coordinator does, with the readiness and the clock of its server."""

    server: Any

    def do_GET(self) -> None:
        token = self.headers.get("Authorization")
        if self.path == "/readyz":
            self._answer(*self.server.ready)
        elif token == "Bearer good":
            self._answer(200, {"id": "t1", "name": "ci", "scope": "submit"})
        else:
            self._answer(401, {"error": {"code": "unauthorized", "message": "the token is revoked", "hint": ""}})

    def _answer(self, status: int, body: Dict[str, Any]) -> None:
        self.send_response(status)
        self.send_header("Farm-Version", self.server.version)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def date_time_string(self, timestamp: Any = None) -> str:
        return formatdate(self.server.now, usegmt=True)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Keep the output of the tests to themselves."""


NOW = 1_700_000_000.0


@pytest.fixture
def server() -> Iterator[Any]:
    with HTTPServer(("127.0.0.1", 0), Coordinator) as running:
        running.ready, running.now, running.version = (200, {}), NOW, __version__  # type: ignore[attr-defined]
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def ask(server: Any, token: str, now: float = NOW) -> Dict[str, Check]:
    url = f"http://127.0.0.1:{server.server_port}"
    return {check.name: check for check in coordinator.check_coordinator(url, token, lambda: now)}


def changed(facts: DeviceFacts, **changes: Any) -> DeviceFacts:
    return dataclasses.replace(facts, **changes)


@pytest.mark.parametrize("name", NAMES)
def test_the_recorded_machines_are_sound(name: str) -> None:
    failing = [check for check in run_checks(machine=recorded(name)) if check.status is Status.FAIL]
    assert [check.name for check in failing] == ["packages"]


def test_this_machine_gets_a_way_to_mend_everything_that_is_wrong() -> None:
    checks = run_checks(folder=Path("/nowhere/yet"))
    assert {"driver", "disk", "Python", "C++ compiler", "Docker"} <= {check.name for check in checks}
    assert all(bool(check.mend) == (check.status is not Status.OK) for check in checks)


def test_a_ready_coordinator_and_a_good_token(server: Any) -> None:
    checks = ask(server, "good")
    assert {name: check.status for name, check in checks.items()} == dict.fromkeys(
        ("coordinator", "token", "clock"), Status.OK
    )
    assert checks["token"].found == "ci (submit)"


def test_a_coordinator_of_another_version_is_told(server: Any) -> None:
    server.version = "99.1"
    check = ask(server, "good")["coordinator"]
    assert check.status is Status.WARN
    assert "install 99.1 at the client" in check.mend


def test_a_revoked_token_fails_with_the_reason(server: Any) -> None:
    check = ask(server, "old")["token"]
    assert (check.status, check.found) == (Status.FAIL, "refused: the token is revoked")


def test_a_coordinator_without_its_database_is_not_ready(server: Any) -> None:
    server.ready = (503, {"error": {"code": "unavailable", "message": "the database is down", "hint": ""}})
    check = ask(server, "good")["coordinator"]
    assert check.status is Status.FAIL
    assert "503: the database is down" in check.found


def test_something_else_behind_the_url_is_told(server: Any) -> None:
    server.ready = (404, {"detail": "Not Found"})
    assert ask(server, "good")["coordinator"].status is Status.FAIL


@pytest.mark.parametrize(
    ("offset_s", "status", "word"),
    [
        (2.0, Status.OK, "agrees"),
        (60.0, Status.WARN, "60 s ahead"),
        (-60.0, Status.WARN, "60 s behind"),
        (-86400.0, Status.FAIL, "86400 s behind"),
    ],
)
def test_a_lying_clock_is_found(server: Any, offset_s: float, status: Status, word: str) -> None:
    check = ask(server, "good", NOW + offset_s)["clock"]
    assert check.status is status
    assert word in check.found


@pytest.mark.parametrize("date", [None, "", "yesterday"])
def test_a_coordinator_that_does_not_tell_its_time(date: Any) -> None:
    assert coordinator.clock(date, NOW).status is Status.WARN


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://no-such-host.invalid", "ftp://x", "http://[bad"])
def test_a_coordinator_that_cannot_be_reached_is_one_failed_check(url: str) -> None:
    (check,) = coordinator.check_coordinator(url, "t")
    assert check.status is Status.FAIL
    assert "cannot be reached" in check.found


def test_a_broker_that_does_not_answer_fails_without_its_password() -> None:
    check = coordinator.check_broker(Machine(), "redis://:hunter2@127.0.0.1:9/0")
    assert check.status is Status.FAIL
    assert "hunter2" not in check.found


@pytest.mark.services
def test_a_broker_that_answers(broker_url: str) -> None:
    assert coordinator.check_broker(Machine(), broker_url).status is Status.OK


def test_a_driver_that_is_loaded_but_answers_with_an_error() -> None:
    facts = changed(probe(recorded("v100")), gpus=())
    check = check_driver(facts, CudaFacts(error="cuInit answered 803 (CUDA_ERROR_SYSTEM_DRIVER_MISMATCH)"))
    assert check.status is Status.FAIL
    assert "MISMATCH" in check.found


def test_a_toolkit_newer_than_the_driver_fails() -> None:
    facts = probe(recorded("v100"))
    assert check_cuda(changed(facts, cuda="13.0", cuda_driver="12.6")).status is Status.FAIL
    assert check_cuda(changed(facts, cuda="12.8", cuda_driver="12.6")).status is Status.OK


@pytest.mark.parametrize(
    ("version", "status"), [("10.4.0", Status.OK), ("10.5.0", Status.FAIL), ("11.1.0.106", Status.FAIL)]
)
def test_a_tensorrt_that_left_the_card_behind(tmp_path: Path, version: str, status: Status) -> None:
    told = json.loads((RECORDED / "v100" / "machine.json").read_text())
    told["commands"]["import tensorrt"] = version
    checks = {check.name: check for check in run_checks(machine=machine_of(RECORDED / "v100", told))}
    assert checks["TensorRT"].status is status


def test_a_binding_that_is_installed_but_does_not_import_fails() -> None:
    told = json.loads((RECORDED / "v100" / "machine.json").read_text())
    told["commands"]["import tensorrt"] = ""
    checks = {check.name: check for check in run_checks(machine=machine_of(RECORDED / "v100", told))}
    assert checks["TensorRT"].status is Status.FAIL
    assert "import tensorrt" in checks["TensorRT"].mend


def test_nvcc_and_headers_must_fit_card_and_runtime() -> None:
    machine = recorded("v100")
    facts = probe(machine)
    assert check_nvcc(facts, ["13.0.88"]).status is Status.FAIL
    assert check_nvcc(facts, ["13.0.88", "12.9.86"]).status is Status.OK
    other = changed(facts, backends=(BackendFacts("tensorrt", "10.3.0"),))
    assert check_headers(machine, facts).status is Status.OK
    assert check_headers(machine, other).status is Status.FAIL


@pytest.mark.parametrize(
    ("version", "mend"), [("3.16.3", "pip install cmake"), ("3.18.0", ""), (None, "apt install cmake")]
)
def test_a_cmake_that_is_too_old_for_plugins_comes_as_a_wheel(version: Optional[str], mend: str) -> None:
    found = check_cmake(changed(probe(recorded("xavier")), toolchain={"cmake": version} if version else {}))
    assert found.status is (Status.WARN if mend else Status.OK)
    assert mend in found.mend


@pytest.mark.parametrize(
    ("info", "status"),
    [("", Status.WARN), ("27.3 runc ", Status.WARN), ("27.3 nvidia runc ", Status.OK)],
)
def test_docker_needs_a_daemon_and_the_runtime_of_the_card(tmp_path: Path, info: str, status: Status) -> None:
    shutil.copytree(RECORDED / "v100", tmp_path / "v100")
    (tmp_path / "v100/usr/bin/docker").touch(mode=0o755)
    machine = recorded("v100")
    here = dataclasses.replace(machine, root=tmp_path / "v100", run=lambda command, timeout_s: info)
    assert check_docker(here, probe(machine)).status is status


def test_packages_tell_a_client_from_a_worker(tmp_path: Path) -> None:
    client = {"click": "8.1.8", "httpx": "0.28.1", "rich": "13.9"}

    def status(packages: Dict[str, str]) -> Tuple[Status, str]:
        check = check_packages(dataclasses.replace(recorded("v100"), package=packages.get))
        return check.status, check.found

    assert status({})[0] is Status.FAIL
    assert status(client) == (Status.WARN, "a client only: a worker also needs celery, numpy, onnx, onnxruntime")
    assert status({**client, **dict.fromkeys(("celery", "numpy", "onnx", "onnxruntime"), "1")})[0] is Status.OK


def test_a_full_disk_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    usage = type("Usage", (), {"free": 1 << 30})
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage)
    assert check_disk(tmp_path / "not" / "yet").status is Status.FAIL
