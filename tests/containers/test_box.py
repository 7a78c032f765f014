"""What the engine is asked for, as a value: cards too, which no machine of these tests has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from farm.protocol.errors import Invalid, Unsupported
from farm.protocol.facts import BackendFacts, CpuFacts, DeviceFacts, GpuFacts
from farm.protocol.target import targets_from_facts
from worker.child.isolate import Limits
from worker.configuration import ContainerSettings, from_environment
from worker.containers.box import Box, Cards, engine_options, write_script
from worker.containers.engine import Engine
from worker.containers.executor import Allowance, ContainerExecutor, Toolchain
from worker.containers.offers import facts_with
from worker.house import cards_for

MIB = 1 << 20
V100 = GpuFacts("Tesla V100", "7.0", 16 << 30, uuid="GPU-1")
BOX = Box("farm/worker", "1000:1000", 512 * MIB, 256 * MIB, labels={"a": "b"}, environ={"TZ": "UTC"})


def device(**known: Any) -> DeviceFacts:
    return DeviceFacts("host", "linux-x86_64", "debian", "glibc-2.36", "3.11", CpuFacts("x", 8), 64 << 30, **known)


def options(cards: Cards | None) -> dict[str, Any]:
    return engine_options(Box("i", "1:1", MIB, MIB, cards=cards), ["python3", "-c", ""], Path("/given"))


def test_a_container_has_what_its_box_says_and_nothing_else() -> None:
    told = engine_options(BOX, ["python3", "-m", "x"], Path("/data/w"))
    assert (told["network_mode"], told["read_only"], told["cap_drop"]) == ("none", True, ["ALL"])
    assert (told["security_opt"], told["user"]) == (["no-new-privileges"], "1000:1000")
    assert told["mem_limit"] == told["memswap_limit"] == (512 + 256 + 64) * MIB
    assert told["tmpfs"]["/workspace"].endswith(f"uid=1000,gid=1000,size={256 * MIB}")
    (mount,) = told["mounts"]
    assert (mount["Source"], mount["Type"], mount["ReadOnly"]) == ("/data/w", "bind", True)
    assert not {"privileged", "device_requests", "devices", "volumes", "cap_add", "pid_mode"} & set(told)
    assert told["environment"] == {"TZ": "UTC"}


@pytest.mark.parametrize(
    ("cards", "which"), [(Cards(("GPU-1",)), {"DeviceIDs": ["GPU-1"], "Count": 0}), (Cards(), {"Count": -1})]
)
def test_a_card_is_asked_for_by_a_device_request(cards: Cards, which: dict[str, object]) -> None:
    (request,) = options(cards)["device_requests"]
    assert {name: request[name] for name in which} == which
    assert (request["Driver"], request["Capabilities"]) == ("nvidia", [["compute", "utility"]])


def test_a_jetson_has_a_runtime_for_it() -> None:
    told = options(Cards(integrated=True))
    assert told["runtime"] == "nvidia"
    assert told["environment"]["NVIDIA_VISIBLE_DEVICES"] == "all"
    assert "device_requests" not in told


@pytest.mark.parametrize(
    ("slot", "facts", "expected"),
    [
        ("gpu0", device(gpus=(V100,)), Cards(("GPU-1",))),
        ("cpu0", device(gpus=(V100,)), None),
        ("gpu1", device(gpus=(V100,)), None),
        ("gpu0", device(gpus=(V100,), l4t="35.4"), Cards(integrated=True)),
        (None, device(gpus=(V100,)), Cards()),
        (None, device(), None),
    ],
)
def test_a_slot_sees_its_own_card(slot: str | None, facts: DeviceFacts, expected: Cards | None) -> None:
    assert cards_for(slot, facts) == expected


def test_a_device_offers_what_its_images_have_each_with_what_surrounds_it(tmp_path: Path) -> None:
    ten = device(backends=(BackendFacts("tensorrt", "10.4.0"),), cuda="12.6", toolchain={"nvcc": "12.6"})
    eleven = Toolchain("eleven", device(backends=(BackendFacts("tensorrt", "11.1.0"),), cuda="13.0"))
    four = Toolchain("ten", ten)
    facts = facts_with(device(gpus=(V100,), cuda="12.0"), [four, eleven, Toolchain("again", ten)])
    targets = targets_from_facts(facts)
    assert [(item.backend_version, item.cuda) for item in targets] == [("10.4.0", "12.6"), ("11.1.0", "13.0")]
    assert targets[0].toolchain == {"nvcc": "12.6"}
    executor = ContainerExecutor(Engine({}), [four, eleven], Allowance(MIB, MIB), Cards(), {}, {})
    assert [executor.box(Limits(1.0), item).image for item in targets] == ["ten", "eleven"]
    assert [executor.compilers(item) for item in targets] == [{"nvcc": "12.6"}, {}]
    with pytest.raises(Unsupported, match="prepares graphs"):
        executor.box(Limits(1.0), None)


def test_a_script_repeats_it_with_the_same_limits(tmp_path: Path) -> None:
    write_script(BOX, "worker.device.child", tmp_path, "reproduce.sh")
    text = (tmp_path / "reproduce.sh").read_text()
    for word in ("--network none", "--read-only", "--cap-drop ALL", "--user 1000:1000", "readonly", "farm/worker"):
        assert word in text


def test_settings_name_images_only_with_the_executor_that_takes_them(tmp_path: Path) -> None:
    environ = {"FARM_WORKER_EXECUTOR": "container", "FARM_WORKER_IMAGES": "a,b:1", "FARM_WORKER_CPUS": "2.5"}
    assert from_environment(environ, tmp_path).containers == ContainerSettings(("a", "b:1"), cpus=2.5)
    assert from_environment({}, tmp_path).containers is None
    for name in ("FARM_WORKER_EXECUTOR", "FARM_WORKER_IMAGES"):
        with pytest.raises(Invalid, match="executor is"):
            from_environment({name: environ[name]}, tmp_path)
    with pytest.raises(Invalid, match="no executor"):
        from_environment({}, tmp_path, executor="vm")
