from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from farm.device.machine import Machine
from farm.device.probe import probe
from farm.protocol.codec import dumps, loads, to_json
from farm.protocol.facts import DeviceFacts

from .recorded_machine import NAMES, machine_of, recorded

FACTS = Path(__file__).parents[2] / "data" / "facts"


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_machine_gives_the_recorded_facts(name: str) -> None:
    assert to_json(probe(recorded(name))) == json.loads((FACTS / f"{name}.json").read_text())


def test_xavier_is_the_generation_of_tensorrt_8_5() -> None:
    facts = probe(recorded("xavier"))
    assert facts.platform == "linux-aarch64"
    assert (facts.l4t, facts.jetpack, facts.power_mode) == ("35.3.1", "5.1.1", "MAXN")
    assert (facts.gpus[0].compute_capability, facts.gpus[0].integrated) == ("7.2", True)
    assert [(backend.name, backend.version) for backend in facts.backends] == [("tensorrt", "8.5.2.2")]
    assert facts.cuda == facts.cuda_driver == "11.4"


def test_this_machine_survives_the_wire() -> None:
    facts = probe()
    assert loads(DeviceFacts, dumps(facts)) == facts
    assert facts.python == ".".join(str(part) for part in sys.version_info[:3])
    assert facts.cpu.cores >= 1
    assert facts.memory_bytes > 100e6
    assert facts.cpu.instruction_sets


def test_an_empty_machine_is_a_machine_without_anything(tmp_path: Path) -> None:
    bare = machine_of(tmp_path, {"architecture": "x86_64", "libc": "musl-1.2", "python": "3.9.2", "cores": 1})
    facts = probe(bare)
    assert facts.hostname == facts.os == "unknown"
    assert (facts.gpus, facts.backends, facts.toolchain, facts.host_tools) == ((), (), {}, {})
    assert facts.memory_bytes == 0
    assert facts.cpu.model == "x86_64"


def test_commands_that_hang_fail_or_are_missing_answer_nothing() -> None:
    machine = Machine()
    assert machine.output(sys.executable, "-c", "print('here')") == "here"
    assert machine.output(sys.executable, "-c", "print('no'); raise SystemExit(3)") == ""
    assert machine.output(sys.executable, "-c", "import time; print('no'); time.sleep(60)", timeout_s=0.5) == ""
    assert machine.output("no-such-program-here") == ""
