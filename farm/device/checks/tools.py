"""What compiles plugins and runs builds: compilers, CMake, headers, Docker, Python and its packages."""

from __future__ import annotations

from typing import Iterator

from farm.protocol.facts import DeviceFacts

from ..machine import Machine
from ..toolchain import find_headers
from .check import Check, fail, ok, warn
from .generations import numbers, nvcc_problem

_CLIENT = ("click", "httpx", "rich")
_WORKER = ("celery", "numpy", "onnx", "onnxruntime")
_OLDEST_PYTHON = (3, 8)
_DOCKER_FORMAT = "{{.ServerVersion}} {{range $name, $_ := .Runtimes}}{{$name}} {{end}}"


def check_tools(machine: Machine, facts: DeviceFacts) -> Iterator[Check]:
    """What builds need besides a runtime."""
    yield check_compiler(facts)
    yield check_nvcc(facts)
    yield check_cmake(facts)
    yield check_headers(machine, facts)
    yield check_docker(machine, facts)
    yield check_python(facts)
    yield check_packages(machine)


def check_compiler(facts: DeviceFacts) -> Check:
    """A C++ compiler."""
    if "cxx" in facts.toolchain:
        return ok("C++ compiler", facts.toolchain["cxx"])
    return warn("C++ compiler", "none", "Run apt install g++ to build plugins here.")


def check_nvcc(facts: DeviceFacts) -> Check:
    """An nvcc that compiles for every card of this machine."""
    version = facts.toolchain.get("nvcc")
    if version is None and not facts.gpus:
        return ok("nvcc", "none, not needed without a card")
    if version is None:
        return warn("nvcc", "none", "Install the CUDA toolkit to build plugins here.")
    problems = [
        problem for gpu in facts.gpus for problem in (nvcc_problem(gpu.compute_capability, version),) if problem
    ]
    if problems:
        return fail("nvcc", problems[0], "Install CUDA 12.9 or older beside it and name its folder to the worker.")
    return ok("nvcc", version)


def check_cmake(facts: DeviceFacts) -> Check:
    """CMake."""
    if "cmake" in facts.toolchain:
        return ok("CMake", facts.toolchain["cmake"])
    return warn("CMake", "none", "Run apt install cmake to build plugins here.")


def check_headers(machine: Machine, facts: DeviceFacts) -> Check:
    """Headers of the same TensorRT that runs: a plugin compiled against others does not load, or crashes."""
    headers = facts.toolchain.get("tensorrt_headers")
    runtime = next((backend.version for backend in facts.backends if backend.name in ("tensorrt", "trtexec")), None)
    if headers is None:
        if runtime is None:
            return ok("TensorRT headers", "none, not needed without TensorRT")
        return warn("TensorRT headers", "none", f"Install libnvinfer-dev {runtime} to build plugins here.")
    folder = find_headers(machine)
    if runtime and numbers(headers)[:2] != numbers(runtime)[:2]:
        return fail(
            "TensorRT headers",
            f"{headers} in {folder}, but the runtime is {runtime}",
            f"Install the headers of {runtime}, or name their folder to the worker.",
        )
    return ok("TensorRT headers", f"{headers} in {folder}")


def check_docker(machine: Machine, facts: DeviceFacts) -> Check:
    """A Docker daemon that answers, with NVIDIA's runtime where there is a card."""
    if facts.container:
        return ok("Docker", f"this is inside {facts.container}")
    if machine.which("docker", "/usr/bin", "/usr/local/bin") is None:
        return warn("Docker", "none", "Install Docker only if builds shall run in containers.")
    runtimes = machine.output("docker", "info", "--format", _DOCKER_FORMAT)
    if not runtimes:
        return fail("Docker", "the daemon does not answer", "Start it, and add this user to the group docker.")
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
