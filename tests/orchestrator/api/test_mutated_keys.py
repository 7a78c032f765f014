"""Every field of a request key, changed as it changes in reality, is a miss, and the difference is told by its name."""

from __future__ import annotations

import dataclasses
import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import httpx
import pytest

from farm import FarmClient
from farm.plugins.new import make_folder
from farm.protocol.codec import from_json, to_json
from farm.protocol.facts import CpuFacts, DeviceFacts
from farm.protocol.keys import RequestKey, differences
from farm.protocol.options import BuildOptions, Precision, ShapeRange
from farm.protocol.states import Role, Scope
from farm.protocol.views import KeyView
from tests.farm_live.live import Live
from tests.support.coordinator import cpu_facts, gpu_facts

from .doors import API, Doors, opened
from .worker import MODEL, Worker, stored, submitted

CALIBRATION, OTHER_CALIBRATION = b"calibration data", b"other calibration data"
OPTIONS = BuildOptions(
    precision=Precision.INT8,
    profiles=({"x": ShapeRange((1, 8), (2, 8), (4, 8))},),
    calibration=hashlib.sha256(CALIBRATION).hexdigest(),
    backend_options={"builderOptimizationLevel": 3},
)
# The one host, with everything that a target for a card is made of; and a device whose engines are the processor's.
FACTS = {
    "card": replace(
        gpu_facts(version="10.4.0.26"),
        host_tools={"onnx": "1.23.2", "onnxslim": "0.1.98"},
        toolchain={"nvcc": "11.8.89", "cmake": "3.25.1"},
        backends=(replace(gpu_facts(version="10.4.0.26").backends[0], detail={"cuda": "11.8"}),),
        l4t="35.4.1",
        power_mode="MAXN",
    ),
    "processor": replace(cpu_facts(), host_tools={}),
}
ASKS: dict[str, dict[str, Any]] = {
    "card": {"targets": ["card"], "steps": ["fold", "simplify"], "options": OPTIONS},
    "processor": {"targets": ["processor"]},
}


@dataclass(frozen=True)
class Mutation:
    """One change of the world or of a submit, and the path of the one field that it changes."""

    told: str
    facts: DeviceFacts | None = None
    ask: dict[str, Any] = field(default_factory=dict)
    content: bytes = MODEL
    device: str = "card"


def measured(told: str, **changed: Any) -> Mutation:
    """The device enrols anew with other facts."""
    return Mutation(told, facts=replace(FACTS["card"], **changed))


def card(told: str, **changed: Any) -> Mutation:
    """The device enrols anew with another card."""
    return measured(told, gpus=(replace(FACTS["card"].gpus[0], **changed),))


def runtime(told: str, **changed: Any) -> Mutation:
    """The device enrols anew with another TensorRT."""
    return measured(told, backends=(replace(FACTS["card"].backends[0], **changed),))


def asked(told: str, **changed: Any) -> Mutation:
    """The submit asks for something else."""
    return Mutation(told, ask={"options": replace(OPTIONS, **changed)})


def shaped(told: str, **changed: Any) -> Mutation:
    """The submit gives another range of shapes."""
    return asked(told, profiles=({"x": replace(OPTIONS.profiles[0]["x"], **changed)},))


MUTATIONS = {
    "model": Mutation("model", content=b"another model"),
    "recipe.steps.name": Mutation("recipe.steps[1].name", ask={"steps": ["fold", "infer_shapes"]}),
    "recipe.tools": measured("recipe.tools.onnx", host_tools={"onnx": "1.24.0", "onnxslim": "0.1.98"}),
    "options.precision": asked("options.precision", precision=Precision.BEST),
    "options.profiles.minimum": shaped("options.profiles[0].x.minimum[0]", minimum=(2, 8)),
    "options.profiles.optimum": shaped("options.profiles[0].x.optimum[0]", optimum=(3, 8)),
    "options.profiles.maximum": shaped("options.profiles[0].x.maximum[0]", maximum=(8, 8)),
    "options.calibration": asked("options.calibration", calibration=hashlib.sha256(OTHER_CALIBRATION).hexdigest()),
    "options.backend_options": asked(
        "options.backend_options.builderOptimizationLevel", backend_options={"builderOptimizationLevel": 5}
    ),
    "target.backend": runtime("target.backend", name="trtexec"),
    "target.backend_version": runtime("target.backend_version", version="10.5.0.18"),
    "target.backend_detail": runtime("target.backend_detail.cuda", detail={"cuda": "12.0"}),
    "target.platform": measured("target.platform", platform="linux-aarch64"),
    "target.libc": measured("target.libc", libc="glibc-2.31"),
    "target.gpu.name": card("target.gpu.name", name="NVIDIA H200 NVL"),
    "target.gpu.compute_capability": card("target.gpu.compute_capability", compute_capability="8.9"),
    "target.gpu.sm_count": card("target.gpu.sm_count", sm_count=114),
    "target.gpu.memory_bytes": card("target.gpu.memory_bytes", memory_bytes=80 << 30),
    "target.gpu.mig_profile": card("target.gpu.mig_profile", mig_profile="1g.18gb"),
    "target.instruction_sets": Mutation(
        "target.instruction_sets",
        facts=replace(FACTS["processor"], cpu=CpuFacts("AMD EPYC 9654", 2, ("avx2",))),
        device="processor",
    ),
    "target.cuda": measured("target.cuda", cuda="13.1"),
    "target.driver": measured("target.driver", driver="590.12"),
    "target.l4t": measured("target.l4t", l4t="36.4.0"),
    "target.power_mode": measured("target.power_mode", power_mode="15W"),
    "timing_cache": Mutation("timing_cache", ask={"timing_cache": "none"}),
    "plugins": Mutation("plugins.my_op", ask={"plugins": ["my_op"]}),
    "target.toolchain": measured("target.toolchain.nvcc", toolchain={"nvcc": "12.6.20", "cmake": "3.25.1"}),
}
# What no submit and no enrolment can change yet, and what it is in every key until one can.
CONSTANT: dict[str, Any] = {"recipe.steps.parameters": {}}


def leaves(kind: Any, path: str = "") -> Iterator[str]:
    """Every field of a value of the protocol that holds no other such value, whatever lists and tables are between."""
    for name, hint in get_type_hints(kind).items():
        inner, part = f"{path}.{name}" if path else name, held(hint)
        if part is None:
            yield inner
        else:
            yield from leaves(part, inner)


def held(hint: Any) -> Any:
    """The value of the protocol that a field holds; None for a plain one."""
    if dataclasses.is_dataclass(hint):
        return hint
    return next((part for part in map(held, get_args(hint)) if part is not None), None)


class World:
    """A coordinator with a published engine for each device."""

    def __init__(self, doors: Doors, stack: ExitStack) -> None:
        self.doors = doors
        self.user: httpx.Client = stack.enter_context(doors.client(Scope.SUBMIT))
        self.workers = {}
        for name, roles in (("card", (Role.HOST, Role.DEVICE)), ("processor", (Role.DEVICE,))):
            client = stack.enter_context(doors.client(Scope.WORKER, name=name))
            self.workers[name] = Worker(client, doors, name, FACTS[name], roles)
        with tempfile.TemporaryDirectory() as folder, FarmClient(doors.url, doors.secret()) as farm:
            farm.plugins.add(make_folder("my_op", parent=folder))
        stored(self.user, CALIBRATION)
        stored(self.user, OTHER_CALIBRATION)
        self.engines = {}
        for name in FACTS:
            assert self.submit(name)["state"] == "waiting"
            published = [engine for worker in self.workers.values() for engine in worker.serve()]
            (self.engines[name],) = published

    def submit(self, device: str, content: bytes = MODEL, **changed: Any) -> Any:
        """The request of a submit to one device."""
        view = submitted(self.user, content, **{**ASKS[device], **changed})
        (request,) = view["builds"]
        return {**request, "submission": view["id"]}

    def mutated(self, mutation: Mutation) -> Any:
        """The request of the same submit after one thing has changed."""
        if mutation.facts:
            self.workers[mutation.device].enrol(mutation.facts)
        return self.submit(mutation.device, mutation.content, **mutation.ask)

    def restore(self, device: str, submission: str) -> None:
        """Take back what was mutated."""
        assert self.user.post(f"{API}/submissions/{submission}/cancel", json={}).status_code == 200
        self.workers[device].enrol(FACTS[device])

    def key(self, what: str) -> KeyView:
        answer = self.user.get(f"{API}/keys/{what}")
        assert answer.status_code == 200, answer.text
        return from_json(KeyView, answer.json())


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.services)])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{folder}/farm.db"
        else:
            url = stack.enter_context(request.getfixturevalue("postgres").database())
        doors = stack.enter_context(opened(folder / "data", url))
        yield World(doors, stack)


def test_no_field_of_a_key_is_left_out() -> None:
    assert set(leaves(RequestKey)) == set(MUTATIONS) | set(CONSTANT)
    assert not set(MUTATIONS) & set(CONSTANT)


@pytest.mark.parametrize("changed", MUTATIONS)
def test_a_change_of_one_field_is_a_miss_that_names_it(world: World, changed: str) -> None:
    mutation = MUTATIONS[changed]
    engine = world.engines[mutation.device]
    unchanged = world.submit(mutation.device)
    assert (unchanged["state"], unchanged["engine"]) == ("cached", engine)
    request = world.mutated(mutation)
    try:
        assert (request["state"] in ("waiting", "queued"), request["engine"]) == (True, None), request
        old, new = world.key(engine), world.key(request["build"])
        assert new.digest == request["key"] != old.digest
        assert [item.path for item in differences(old.key, new.key)] == [mutation.told]
    finally:
        world.restore(mutation.device, request["submission"])
    again = world.submit(mutation.device)
    assert (again["state"], again["engine"]) == ("cached", engine)


def test_what_nothing_can_change_yet_is_the_same_in_every_key(world: World) -> None:
    for engine in world.engines.values():
        key = to_json(world.key(engine).key)
        for step in key["recipe"]["steps"]:
            assert {"recipe.steps.parameters": step["parameters"]} == CONSTANT


@pytest.mark.parametrize(
    "changed",
    [
        {"hostname": "renamed"},
        {"os": "Debian 13"},
        {"python": "3.13.1"},
        {"memory_bytes": 48 << 30},
        {"container": "docker"},
        {"gpus": (replace(FACTS["card"].gpus[0], uuid="GPU-2"),)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_what_changes_no_engine_is_a_hit(world: World, changed: dict[str, Any]) -> None:
    request = world.mutated(measured("", **changed))
    assert (request["state"], request["engine"]) == ("cached", world.engines["card"])
    world.workers["card"].enrol(FACTS["card"])


def test_the_command_tells_two_engines_apart_by_the_one_field(world: World, tmp_path: Path) -> None:
    farm = Live(world.doors.url, world.doors.secret(Scope.SUBMIT), tmp_path)
    world.mutated(MUTATIONS["target.driver"])
    (other,) = world.workers["card"].serve()
    world.workers["card"].enrol(FACTS["card"])
    engine = world.engines["card"]
    told = farm("key", engine, other)
    assert (told.code, told.err) == (0, "")
    head, row = [line.split() for line in told.lines]
    assert head == ["FIELD", engine, other]
    assert row == ["target.driver", "580.159.04", "590.12"]
    found = farm.json("key", world.key(engine).digest, other)
    assert found == {
        "left": world.key(engine).digest,
        "right": world.key(other).digest,
        "differences": [{"path": "target.driver", "left": "580.159.04", "right": "590.12"}],
    }
    assert farm("key", engine, engine).err == f"the same key: {found['left']}\n"
    alone = dict(line.split(maxsplit=1) for line in farm("key", other).lines)
    assert (alone["key"], alone["target.driver"]) == (found["right"], "590.12")
