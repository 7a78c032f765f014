"""What no builder would honour is refused before anything is queued: by a plan and by a submit, in the same words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from farm.protocol.codec import to_json
from farm.protocol.options import BuildOptions, Precision
from farm.protocol.states import Scope
from tests.farm_live.live import Live

from .doors import API, Doors
from .worker import MODEL, Worker, stored, submit

REFUSED = [
    (BuildOptions(backend_options={"magic": 1}), "onnxruntime 1.31.1 has no option 'magic', only intra_op_threads, "),
    (
        BuildOptions(backend_options={"intra_op_threads": -1}),
        "onnxruntime 1.31.1 cannot honour intra_op_threads = -1, which may be a whole number",
    ),
    (
        BuildOptions(backend_options={"per_channel": True}),
        "onnxruntime 1.31.1 uses per_channel only for int8, not for fp32",
    ),
    (BuildOptions(precision=Precision.BF16), "onnxruntime 1.31.1 cannot build --precision bf16"),
]
ACCEPTED = BuildOptions(backend_options={"intra_op_threads": 1, "graph_optimization_level": "basic"})


@pytest.fixture
def user(doors: Doors) -> Iterator[httpx.Client]:
    """Somebody who submits to a farm with one worker that builds for `cpu`."""
    with ExitStack() as stack:
        Worker(stack.enter_context(doors.client(Scope.WORKER)), doors)
        client = stack.enter_context(doors.client(Scope.SUBMIT))
        stored(client, MODEL)
        yield client


def planned(user: httpx.Client, options: BuildOptions) -> Any:
    """The one row of a plan."""
    files = [{"name": "model.onnx", "size_bytes": len(MODEL), "sha256": stored(user, MODEL)}]
    ask = {"name": "net", "model": {"files": files}, "targets": ["cpu"], "options": to_json(options)}
    answer = user.post(f"{API}/plans", json=ask)
    assert answer.status_code == 200, answer.text
    (row,) = answer.json()["rows"]
    return row


@pytest.mark.parametrize(("options", "told"), REFUSED)
def test_plan_and_submit_refuse_with_one_sentence(user: httpx.Client, options: BuildOptions, told: str) -> None:
    (problem,) = planned(user, options)["problems"]
    assert problem.startswith(told)
    refused = submit(user, options=options)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["message"]) == (422, "unsupported", f"cpu: {problem}")
    assert user.get(f"{API}/submissions").json() == {"submissions": []}
    assert user.get(f"{API}/builds").json() == {"builds": []}


def test_what_can_be_honoured_is_planned_and_queued(user: httpx.Client) -> None:
    row = planned(user, ACCEPTED)
    assert (row["problems"], row["hit"]) == ([], "miss")
    accepted = submit(user, options=ACCEPTED)
    assert (accepted.status_code, accepted.json()["builds"][0]["key"]) == (201, row["key"])


def test_the_command_refuses_in_the_same_words(user: httpx.Client, doors: Doors, tmp_path: Path) -> None:
    farm = Live(doors.url, doors.secret(Scope.SUBMIT), tmp_path)
    model = tmp_path / "net.onnx"
    model.write_bytes(b"\x08\x0a\x3a\x05\x12\x03net")  # a version, and an empty graph with a name
    arguments = [model, "-t", "cpu", "--option", "magic=1"]
    planned = farm("plan", *arguments)
    assert (planned.code, " refused " in planned.lines[1]) == (2, True)
    (said,) = [line for line in planned.err.splitlines() if "magic" in line]
    assert said.startswith("cpu: onnxruntime 1.31.1 has no option 'magic', only intra_op_threads")
    assert farm.json("plan", *arguments, code=2)["rows"][0]["problems"] == [said.split(": ", 1)[1]]
    submitted = farm("submit", *arguments)
    assert (submitted.code, submitted.out) == (2, "")
    assert submitted.err.splitlines()[-1].startswith(f"error: {said}")
    assert farm.json("list") == {"submissions": []}
