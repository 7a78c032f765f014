"""What a device can do with the images it was given: each is measured from inside, in a container like a build's."""

from __future__ import annotations

from dataclasses import replace
from typing import List, Sequence

from farm.protocol.codec import loads
from farm.protocol.errors import FarmError, Unavailable
from farm.protocol.facts import BackendFacts, DeviceFacts, ImageFacts

from .box import Box, engine_options
from .engine import Engine, refusals, remove
from .executor import Toolchain

_PROBE = (
    "from farm.device.probe import probe\n"
    "from farm.protocol.codec import dumps\n"
    "import os\n"
    # What a runtime prints while it is imported is none of the facts.
    "told = os.dup(1); os.dup2(2, 1)\n"
    "os.write(told, dumps(probe()).encode())\n"
)
_LONGEST_S = 300
_TAIL = 300


def measure(engine: Engine, box: Box) -> Toolchain:
    """What is in the image of a box.

    Raises: Unavailable: the engine has no such image, it has no farm, or is not measured within minutes.
    """
    # It ends by itself, and what it says has to be kept until then.
    options = engine_options(box, ["python3", "-c", _PROBE], None)
    options.update(auto_remove=False, stdin_open=False)
    del options["log_config"]
    with engine.client() as client, refusals(f"the image {box.image} cannot be measured"):
        container = client.containers.create(**options)
        try:
            container.start()
            status = int(container.wait(timeout=_LONGEST_S)["StatusCode"])
            told = container.logs(stdout=True, stderr=False)
            said = container.logs(stdout=False, stderr=True)[-_TAIL:].decode(errors="replace")
        finally:
            remove(container)
    try:
        return Toolchain(box.image, loads(DeviceFacts, told))
    except FarmError as error:
        why = " ".join(said.split()) or error.message
        raise Unavailable(
            f"the image {box.image} has no farm of this version (status {status}): {why}",
            "Build it by a file of docker/, from the same version as this worker.",
        ) from error


def facts_with(device: DeviceFacts, toolchains: Sequence[Toolchain]) -> DeviceFacts:
    """The facts of a device whose runtimes and tools are those of its images; of two alike the first counts."""
    backends: List[BackendFacts] = []
    for toolchain in toolchains:
        facts = toolchain.facts
        image = ImageFacts(toolchain.image, facts.libc, facts.cuda, facts.toolchain)
        known = {(item.name, item.version) for item in backends}
        backends += [replace(item, image=image) for item in facts.backends if (item.name, item.version) not in known]
    tools = [toolchain.facts.host_tools for toolchain in toolchains if toolchain.facts.host_tools]
    return replace(device, backends=tuple(backends), host_tools=tools[0] if tools else {})
