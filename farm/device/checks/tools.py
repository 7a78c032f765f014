"""What compiles plugins and runs builds: compilers, CMake, headers, Docker, Python and its packages."""

from __future__ import annotations

from typing import Iterator, Sequence

from farm.protocol.facts import DeviceFacts

from ..headers import headers_like
from ..machine import Machine
from ..toolchain import OLDEST_CMAKE, all_nvcc, find_generator, is_new_enough
from .check import Check, fail, ok, warn
from .generations import numbers, nvcc_problem

_CLIENT = ("click", "httpx", "rich")
_WORKER = ("celery", "numpy", "onnx", "onnxruntime")
_OLDEST_PYTHON = (3, 8)
_DOCKER_FORMAT = "{{.ServerVersion}} {{range $name, $_ := .Runtimes}}{{$name}} {{end}}"


def check_tools(machine: Machine, facts: DeviceFacts) -> Iterator[Check]:
    """What builds need besides a runtime."""
    yield check_compiler(facts)
    yield check_nvcc(facts, [tool.version for tool in all_nvcc(machine)])
    yield check_cmake(facts)
    yield check_generator(machine)
    yield check_headers(machine, facts)
    yield check_docker(machine, facts)
    yield check_python(facts)
    yield check_packages(machine)


def check_compiler(facts: DeviceFacts) -> Check:
    """A C++ compiler."""
    if "cxx" in facts.toolchain:
        return ok("C++ compiler", facts.toolchain["cxx"])
    return warn("C++ compiler", "none", "Run apt install g++ to build plugins here.")


def check_nvcc(facts: DeviceFacts, versions: Sequence[str]) -> Check:
    """An nvcc that compiles for every card of this machine; `versions` are those there are, the first one in front."""
    if not versions and not facts.gpus:
        return ok("nvcc", "none, not needed without a card")
    if not versions:
        return warn("nvcc", "none", "Install the CUDA toolkit to build plugins here.")
    for gpu in facts.gpus:
        problems = [nvcc_problem(gpu.compute_capability, version) for version in versions]
        if all(problems):
            mend = "Install CUDA 12.9 or older beside it, and name its folder in FARM_TOOLCHAIN."
            return fail("nvcc", str(problems[0]), mend)
    return ok("nvcc", ", ".join(versions))


def check_cmake(facts: DeviceFacts) -> Check:
    """A CMake that is new enough for plugins."""
    version = facts.toolchain.get("cmake")
    if version is None:
        return warn("CMake", "none", "Run apt install cmake to build plugins here.")
    if not is_new_enough(version):
        oldest = ".".join(map(str, OLDEST_CMAKE))
        mend = "Run pip install cmake in the environment of the worker to build plugins here."
        return warn("CMake", f"{version}, plugins need {oldest}", mend)
    return ok("CMake", version)


def check_generator(machine: Machine) -> Check:
    """What CMake has its work done by."""
    found = find_generator(machine)
    if found is None:
        return warn("make", "none", "Run apt install make to build plugins here.")
    return ok("make", found)


def check_headers(machine: Machine, facts: DeviceFacts) -> Check:
    """Headers of the same TensorRT that runs: a plugin compiled against others does not load, or crashes."""
    runtime = next((backend.version for backend in facts.backends if backend.name in ("tensorrt", "trtexec")), None)
    headers = headers_like(machine, runtime)
    if headers is None:
        if runtime is None:
            return ok("TensorRT headers", "none, not needed without TensorRT")
        return warn("TensorRT headers", "none", f"Install libnvinfer-dev {runtime} to build plugins here.")
    if runtime and numbers(headers.version)[:2] != numbers(runtime)[:2]:
        return fail(
            "TensorRT headers",
            f"{headers.version} in {headers.folder}, but the runtime is {runtime}",
            f"Install the headers of {runtime}, or name their folder in TENSORRT_ROOT.",
        )
    return ok("TensorRT headers", f"{headers.version} in {headers.folder}")


def check_docker(machine: Machine, facts: DeviceFacts) -> Check:
    """A Docker daemon that answers, with NVIDIA's runtime where there is a card."""
    if facts.container:
        return ok("Docker", f"this is inside {facts.container}")
    if machine.which("docker", "/usr/bin", "/usr/local/bin") is None:
        return warn("Docker", "none", "Install Docker only if builds shall run in containers.")
    runtimes = machine.output("docker", "info", "--format", _DOCKER_FORMAT)
    if not runtimes:
        hint = "Start it, and add this user to the group docker, if builds shall run in containers."
        return warn("Docker", "the daemon does not answer", hint)
    version, *names = runtimes.split()
    if facts.gpus and "nvidia" not in names:
        return warn(
            "Docker", f"{version} without NVIDIA's runtime", "Install nvidia-container-toolkit and restart Docker."
        )
    return ok("Docker", f"{version}, runtimes {', '.join(names)}")


def check_python(facts: DeviceFacts) -> Check:
    """A Python that the farm runs on."""
    if numbers(facts.python)[:2] < _OLDEST_PYTHON:
        return fail("Python", facts.python, "Use Python 3.8 or later; a coordinator and a host need 3.11.")
    return ok("Python", facts.python)


def check_packages(machine: Machine) -> Check:
    """The packages of the client, and of a worker."""
    missing = [name for name in _CLIENT if machine.package(name) is None]
    if missing:
        return fail("packages", f"missing: {', '.join(missing)}", "Run pip install . in the checkout again.")
    missing = [name for name in _WORKER if machine.package(name) is None]
    if missing:
        return warn(
            "packages",
            f"a client only: a worker also needs {', '.join(missing)}",
            "Run pip install '.[worker]' in the checkout where this machine shall build.",
        )
    return ok("packages", ", ".join(f"{name} {machine.package(name)}" for name in (*_CLIENT, *_WORKER)))
