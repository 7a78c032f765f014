from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from farm.protocol.errors import Invalid
from farm.protocol.facts import BackendFacts, CpuFacts, DeviceFacts, GpuFacts
from farm.protocol.states import Role
from worker.configuration import WorkerSettings, enrolment, from_environment

HOST = DeviceFacts(
    hostname="box.example.org",
    platform="linux-x86_64",
    os="Debian 12",
    libc="glibc-2.36",
    python="3.11.2",
    cpu=CpuFacts("AMD EPYC 9654", 2, ("avx2",)),
    memory_bytes=24 << 30,
    backends=(BackendFacts("onnxruntime", "1.31.1"),),
    host_tools={"onnx": "1.23.2"},
)
JETSON = replace(
    HOST,
    hostname="xavier 7",
    gpus=(GpuFacts("Xavier", "7.2", 16 << 30),),
    backends=(BackendFacts("tensorrt", "8.5.2.2"),),
    host_tools={},
)


def test_flags_win_over_the_environment() -> None:
    environ = {"FARM_WORKER_NAME": "one", "FARM_WORKER_TARGETS": "cpu, h200", "FARM_WORKER_GRACE_S": "7", "HOME": "/h"}
    settings = from_environment(environ, None, name="two", roles="host,device")
    assert settings.name == "two"
    assert settings.targets == ("cpu", "h200")
    assert settings.roles == (Role.HOST, Role.DEVICE)
    assert settings.grace_s == 7.0
    assert settings.data == Path("/h/.local/share/farm-worker")


def test_its_folder_and_the_secrets_it_knows_of_are_hidden_from_builds() -> None:
    settings = from_environment({"FARM_WORKER_HIDE": "/farm:/farm.env:"}, Path("/data"), (Path("/h/config.toml"),))
    assert settings.hidden == (Path("/data"), Path("/h/config.toml"), Path("/farm"), Path("/farm.env"))


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"FARM_WORKER_ROLES": "cook"}, "'cook' is no role"),
        ({"FARM_WORKER_GRACE_S": "soon"}, "FARM_WORKER_GRACE_S=soon"),
        ({"FARM_WORKER_CACHE_BYTES": "-1"}, "FARM_WORKER_CACHE_BYTES=-1"),
    ],
)
def test_a_wrong_setting_is_named(environ: dict[str, str], told: str) -> None:
    with pytest.raises(Invalid, match=told):
        from_environment(environ, Path("data"))


def test_a_machine_becomes_what_it_can_be() -> None:
    made = enrolment(WorkerSettings(Path("data")), HOST)
    assert (made.name, made.roles, made.slots) == ("box.example.org", (Role.HOST, Role.DEVICE), ("cpu0",))
    made = enrolment(WorkerSettings(Path("data")), JETSON)
    assert (made.name, made.roles, made.slots) == ("xavier-7", (Role.DEVICE,), ("gpu0",))
    both = replace(JETSON, backends=(*JETSON.backends, *HOST.backends), gpus=JETSON.gpus * 2)
    assert enrolment(WorkerSettings(Path("data")), both).slots == ("gpu0", "gpu1", "cpu0")
    ahead = replace(JETSON, backends=(BackendFacts("tensorrt_rtx", "1.7.1.116"),))
    assert enrolment(WorkerSettings(Path("data")), ahead).slots == ("cpu0",)


@pytest.mark.parametrize(
    ("facts", "roles", "told"),
    [
        (JETSON, (Role.HOST,), "cannot be a host: it has no tools to prepare graphs"),
        (replace(HOST, backends=()), (Role.DEVICE,), "cannot be a device: it has no runtime to build with"),
        (replace(JETSON, backends=()), (), "cannot be a worker"),
    ],
)
def test_a_machine_is_not_enrolled_for_what_it_cannot_do(
    facts: DeviceFacts, roles: tuple[Role, ...], told: str
) -> None:
    with pytest.raises(Invalid, match=told):
        enrolment(replace(WorkerSettings(Path("data")), roles=roles), facts)
