"""The verbs of the client against the contract."""

from __future__ import annotations

import socket
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import List

import pytest

from farm import FarmClient
from farm.client import SubmitOptions, make_ask, read_model
from farm.client.transport import Broken
from farm.protocol.errors import (
    Conflict,
    CoordinatorError,
    Invalid,
    NotFound,
    Unauthorized,
)
from farm.protocol.options import BuildOptions, Precision
from farm.protocol.states import Scope, State

from ..double import TOKEN, Double
from ..samples import cpu_facts, key


def test_a_submit_uploads_what_lacks_and_then_nothing(client: FarmClient, double: Double, model: Path) -> None:
    first = client.submit(model, ["cpu", "other"], wait=True)
    assert (first.name, first.state, [item.target for item in first.builds]) == ("net", "done", ["cpu", "other"])
    assert double.blobs[read_model(model).manifest.files[0].sha256] == model.read_bytes()
    double.asked.clear()
    client.submit(model, ["cpu"])
    assert double.asked == ["POST /submissions"]


def test_all_files_of_a_submit_are_stored(client: FarmClient, double: Double, model: Path, tmp_path: Path) -> None:
    arrays = {}
    for name in ("calibration", "inputs", "outputs"):
        arrays[name] = tmp_path / f"{name}.npz"
        arrays[name].write_bytes(b"PK\x03\x04" + name.encode())
    view = client.submit(model, ["cpu"], SubmitOptions(name="other", tags={"a": "b"}, **arrays))  # type: ignore[arg-type]
    ask = client.ask(view.id)
    assert (ask.name, ask.tags) == ("other", {"a": "b"})
    for digest, name in ((ask.options.calibration, "calibration"), (ask.reference.inputs, "inputs")):
        assert digest is not None
        assert double.blobs[digest] == arrays[name].read_bytes()


def test_one_ask_sent_twice_is_one_submission(client: FarmClient, model: Path) -> None:
    ask = make_ask(model, ["cpu"])
    assert client.send(ask).id == client.send(ask).id
    assert client.send(make_ask(model, ["cpu"])).id != client.send(ask).id


def test_a_manifest_can_be_submitted_when_its_files_are_stored(client: FarmClient, double: Double, model: Path) -> None:
    manifest = read_model(model).manifest
    with pytest.raises(Invalid, match="name"):
        client.submit(manifest, ["cpu"])
    with pytest.raises(Conflict, match="lacks the file"):
        client.submit(manifest, ["cpu"], SubmitOptions(name="net"))
    double.store(model.read_bytes())
    assert client.submit(manifest, ["cpu"], SubmitOptions(name="net")).model == manifest.digest


def test_results_tell_engine_failure_and_what_was_saved(client: FarmClient, model: Path) -> None:
    view = client.submit(model, ["cpu", "broken", "cached"])
    client.wait(view.id, check=False)
    cpu, broken, cached = client.results(view.id)
    assert cpu.benchmark is not None
    assert cpu.verification is not None
    assert (cpu.benchmark.latency is not None, cpu.verification.verdict, cpu.saved_s) == (True, "passed", None)
    assert broken.failure is not None
    assert (broken.failure.message, broken.engine) == ("the operator Foo is unknown", None)
    assert cached.saved_s == 12.0


def test_cancel_and_retry(client: FarmClient, double: Double, model: Path) -> None:
    double.auto = False
    view = client.submit(model, ["cpu", "other"])
    assert [item.state for item in client.cancel(view.id, "cpu").builds] == ["cancelled", "queued"]
    assert [item.state for item in client.cancel(view.id).builds] == ["cancelled", "cancelled"]
    again = client.retry(view.id)
    assert (again.tags, len(again.builds)) == ({"retry-of": view.id}, 2)


def test_lists_and_plans(client: FarmClient, model: Path) -> None:
    views = [client.submit(model, ["cpu"]) for _ in range(2)]
    client.wait(views[1].id)
    assert [view.id for view in client.list()] == [views[1].id, views[0].id]
    assert client.list(state=State.FAILED) == ()
    plan = client.plan(model, ["cpu", "offline"], SubmitOptions(build=BuildOptions(Precision.FP16)))
    assert [(row.word, bool(row.problems)) for row in plan.rows] == [("cpu", False), ("offline", True)]


def test_logs_of_a_submission_and_of_a_build(client: FarmClient, model: Path) -> None:
    view = client.submit(model, ["cpu", "other"])
    client.wait(view.id)
    assert list(client.logs(view.id)) == ["building cpu", "done ü", "building other", "done ü"]
    assert list(client.logs(view.id, "other", follow=True)) == ["building other", "done ü"]
    assert list(client.logs(view.builds[0].build or "")) == ["building cpu", "done ü"]
    with pytest.raises(Invalid, match="It has cpu, other"):
        list(client.logs(view.id, "third"))
    with pytest.raises(NotFound):
        list(client.logs("none"))


def test_following_a_log_goes_on_with_the_next_attempt(client: FarmClient, double: Double, model: Path) -> None:
    double.auto = False
    view = client.submit(model, ["cpu"])
    client._transport.sleep = lambda seconds: double.move(view.id, "cpu", State.DONE)
    assert list(client.logs(view.id, follow=True)) == ["building cpu", "done ü"]


def test_the_other_verbs_speak_the_contract(client: FarmClient, double: Double) -> None:
    assert [item.id for item in client.engines.list(model="net")] == ["eng-1"]
    assert client.engines.list(model="other") == ()
    assert client.engines.pin("eng-1").pinned
    with pytest.raises(Conflict, match="unpin"):
        client.engines.remove("eng-1")
    assert not client.engines.unpin("eng-1").pinned
    assert client.engines.show("eng-1").engine.id == client.engines.remove("eng-1").id
    assert [item.name for item in client.devices.list()] == ["here", "there"]
    added = client.devices.add("xavier-1", cpu_facts(hostname="xavier-1", l4t="35.4"))
    assert client.devices.show("xavier-1") == added
    assert added.facts.l4t == "35.4"
    for change in (client.devices.drain, client.devices.undrain, client.devices.retire):
        assert change("here").name == "here"
    assert client.targets.add("big", "mem>=16GiB", ["large"]).filter == "mem>=16GiB"
    client.targets.remove("big")
    assert [item.name for item in client.targets.list()] == ["cpu", "mine"]
    made = client.tokens.create("ci", Scope.SUBMIT)
    assert (made.secret, len(client.tokens.list())) == ("farm_new-secret", 2)
    client.tokens.revoke(made.token.id)
    assert client.models.show("net") == client.models.list()[0]
    assert client.gc().dry_run
    assert client.whoami().name == "me"


def test_a_key_is_read_field_by_field(client: FarmClient) -> None:
    assert client.key("eng-1").key == key()


def test_ids_cannot_leave_their_place_in_the_address(client: FarmClient, double: Double) -> None:
    with pytest.raises(NotFound):
        client.status("../tokens")
    assert double.asked == ["GET /submissions/../tokens"]
    for name in ("", "..", "."):
        with pytest.raises(Invalid):
            client.status(name)


def test_a_wrong_token_is_told(double: Double) -> None:
    with FarmClient(double.url, "wrong") as client, pytest.raises(Unauthorized, match="not valid"):
        client.whoami()


def test_a_coordinator_that_is_not_there_is_tried_again_and_named() -> None:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    pauses: List[float] = []
    with FarmClient(f"http://127.0.0.1:{port}", TOKEN) as client:
        client._transport.sleep = pauses.append
        with pytest.raises(Broken, match=f"cannot reach the coordinator at http://127.0.0.1:{port}"):
            client.whoami()
    assert len(pauses) == 4


def test_a_server_that_is_no_coordinator_is_told(double: Double) -> None:
    with FarmClient(double.url + "/else", TOKEN) as client, pytest.raises(NotFound):
        client.whoami()


def test_an_answer_of_another_version_is_told(client: FarmClient, double: Double) -> None:
    double.tokens["tok-1"] = {"id": "tok-1", "colour": "red"}  # type: ignore[assignment]
    with pytest.raises(CoordinatorError, match="same version"):
        client.whoami()


def test_a_name_that_no_model_may_have_is_refused(model: Path, tmp_path: Path) -> None:
    odd = tmp_path / "my net (1).onnx"
    odd.write_bytes(model.read_bytes())
    with pytest.raises(Invalid, match="--name"):
        read_model(odd)
    assert read_model(odd, "my-net").name == "my-net"


def test_weights_called_as_the_graph_are_refused(tmp_path: Path) -> None:
    tensor = b"\x70\x01\x6a\x16" + b"\x0a\x08location" + b"\x12\x0amodel.onnx"
    graph = b"\x2a" + bytes([len(tensor)]) + tensor
    (tmp_path / "net.onnx").write_bytes(b"\x08\x0a\x3a" + bytes([len(graph)]) + graph)
    (tmp_path / "model.onnx").write_bytes(b"weights")
    with pytest.raises(Invalid, match=r"file called model\.onnx"):
        read_model(tmp_path / "net.onnx")


def test_a_calibration_file_that_is_not_npz_is_refused(model: Path) -> None:
    with pytest.raises(Invalid, match=r"not an \.npz file"):
        make_ask(model, ["cpu"], SubmitOptions(calibration=model))


def test_a_local_model_can_be_renamed(model: Path) -> None:
    local = read_model(model)
    assert make_ask(local, ["cpu"], SubmitOptions(name="x")).ask.name == "x"
    assert make_ask(replace(local, name="y"), ["cpu"]).ask.name == "y"


def test_every_verb_of_the_client_is_in_its_document() -> None:
    text = (Path(__file__).parents[3] / "docs" / "sdk.md").read_text("utf-8")
    verbs = [name for name in dir(FarmClient) if not name.startswith("_")]
    known = [name for name in verbs if any(form in text for form in (f"`{name}`", f"{name}(", f"{name}."))]
    assert known == verbs
