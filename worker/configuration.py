"""What one worker runs with: from flags, then the environment, then what was measured on the machine."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Mapping, Optional, Sequence, Tuple

from farm.device.clocks import VARIABLE, ClockOwner, owner_from
from farm.protocol.errors import Invalid
from farm.protocol.facts import DeviceFacts
from farm.protocol.states import Role
from farm.protocol.target import AHEAD_OF_TIME, CPU_BACKENDS
from farm.protocol.work import Enrolment

_CACHE_BYTES = 20 << 30
_GRACE_S = 300.0
_SCRATCH_BYTES = 4 << 30
_PIDS = 1024
# Flag to the variable that stands for it.
_VARIABLES = {
    "name": "FARM_WORKER_NAME",
    "roles": "FARM_WORKER_ROLES",
    "slots": "FARM_WORKER_SLOTS",
    "targets": "FARM_WORKER_TARGETS",
    "trust_group": "FARM_WORKER_TRUST_GROUP",
    "grace_s": "FARM_WORKER_GRACE_S",
    "cache_bytes": "FARM_WORKER_CACHE_BYTES",
    "memory_bytes": "FARM_WORKER_MEMORY_BYTES",
    "lock_clocks": VARIABLE,
    "executor": "FARM_WORKER_EXECUTOR",
    "images": "FARM_WORKER_IMAGES",
    "scratch_bytes": "FARM_WORKER_SCRATCH_BYTES",
    "pids": "FARM_WORKER_PIDS",
    "cpus": "FARM_WORKER_CPUS",
}
PROCESS, CONTAINER = "process", "container"
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class ContainerSettings:
    """What containers of builds are made of, and may take.

    Attributes:
        images: One for each toolchain; of several that serve a target the first is taken.
        scratch_bytes: What a build may write, in memory.
        pids: Processes and threads.
        cpus: Processors' worth of time; None means all.
    """

    images: Tuple[str, ...]
    scratch_bytes: int = _SCRATCH_BYTES
    pids: int = _PIDS
    cpus: Optional[float] = None


@dataclass(frozen=True)
class WorkerSettings:
    """Settings of one worker. What is empty is decided by what is measured on the machine.

    Attributes:
        data: Folder of the cache, the workspaces and the locks of the slots.
        name: Of the device.
        targets: Words it serves; empty means all that it can.
        trust_group: Devices of one group share compiled plugin libraries.
        cache_bytes: What blobs of earlier work may take on the disk.
        memory_bytes: A build that takes more is ended; None leaves it to the machine.
        grace_s: How long running work may go on after SIGTERM before it is handed back.
        failpoints: Faults on purpose, for tests.
        clocks: Whether the clocks of its cards may be locked while an engine is timed.
        hidden: Files and folders that builds cannot read; `data` is one, and has their workspaces.
        containers: Of builds that each run in one; None lets them be processes of this machine.
    """

    data: Path
    name: str = ""
    roles: Tuple[Role, ...] = ()
    slots: Tuple[str, ...] = ()
    targets: Tuple[str, ...] = ()
    trust_group: str = "default"
    cache_bytes: int = _CACHE_BYTES
    memory_bytes: Optional[int] = None
    grace_s: float = _GRACE_S
    failpoints: str = ""
    clocks: ClockOwner = field(default_factory=ClockOwner)
    hidden: Tuple[Path, ...] = ()
    containers: Optional[ContainerSettings] = None


def from_environment(
    environ: Mapping[str, str], data: Optional[Path], secrets: Sequence[Path] = (), **flags: Optional[str]
) -> WorkerSettings:
    """The settings that flags and an environment describe; flags win. `secrets` are files to hide from builds, too.

    Raises: Invalid: names the setting and its value.
    """

    def told(name: str) -> str:
        return flags.get(name) or environ.get(_VARIABLES[name]) or ""

    memory = _number(told, "memory_bytes", 0)
    folder = data_folder(environ, data)
    hide = [Path(path).expanduser().absolute() for path in environ.get("FARM_WORKER_HIDE", "").split(":") if path]
    return WorkerSettings(
        data=folder,
        name=told("name"),
        roles=tuple(_role(word) for word in _words(told("roles"))),
        slots=_words(told("slots")),
        targets=_words(told("targets")),
        trust_group=told("trust_group") or WorkerSettings.trust_group,
        cache_bytes=int(_number(told, "cache_bytes", _CACHE_BYTES)),
        memory_bytes=int(memory) or None,
        grace_s=_number(told, "grace_s", _GRACE_S),
        failpoints=environ.get("FARM_FAILPOINTS") or "",
        clocks=owner_from(told("lock_clocks")),
        hidden=(folder, *secrets, *hide),
        containers=_containers(told),
    )


def _containers(told: Callable[[str], str]) -> Optional[ContainerSettings]:
    executor, images = told("executor") or PROCESS, _words(told("images"))
    if executor not in (PROCESS, CONTAINER):
        raise Invalid(f"{executor!r} is no executor", f"Give {PROCESS} or {CONTAINER}.")
    if (executor == CONTAINER) != bool(images):
        raise Invalid(
            f"the executor is {executor} and the images are {', '.join(images) or 'none'}",
            f"Give --executor {CONTAINER} with --images, or neither.",
        )
    if not images:
        return None
    return ContainerSettings(
        images,
        int(_number(told, "scratch_bytes", _SCRATCH_BYTES)),
        int(_number(told, "pids", _PIDS)),
        _number(told, "cpus", 0.0) or None,
    )


def data_folder(environ: Mapping[str, str], data: Optional[Path]) -> Path:
    """The folder of everything that a worker keeps, which a flag or an environment names."""
    return (data or Path(environ.get("FARM_WORKER_DATA") or _default_data(environ))).expanduser().absolute()


def enrolment(settings: WorkerSettings, facts: DeviceFacts) -> Enrolment:
    """How this device introduces itself.

    Raises: Invalid: it can neither prepare nor build.
    """
    able = [Role.HOST] if facts.host_tools else []
    able += [Role.DEVICE] if facts.backends else []
    roles = settings.roles or tuple(able)
    lacking = [role for role in roles if role not in able]
    if lacking or not roles:
        raise Invalid(
            f"this machine cannot be a {lacking[0] if lacking else 'worker'}: "
            + ("it has no tools to prepare graphs" if lacking == [Role.HOST] else "it has no runtime to build with"),
            "Run farm doctor: it says what to install.",
        )
    return Enrolment(
        name=settings.name or _name_of(facts.hostname),
        facts=facts,
        roles=roles,
        slots=settings.slots or _slots(facts, roles),
        targets=settings.targets,
        trust_group=settings.trust_group,
    )


def _slots(facts: DeviceFacts, roles: Tuple[Role, ...]) -> Tuple[str, ...]:
    """One for each card that a runtime here can use, and one for the processor where it has something to do."""
    without_card = CPU_BACKENDS | AHEAD_OF_TIME
    on_cards = Role.DEVICE in roles and any(item.name not in without_card for item in facts.backends)
    on_processor = Role.HOST in roles or any(item.name in without_card for item in facts.backends)
    cards = tuple(f"gpu{number}" for number in range(len(facts.gpus))) if on_cards else ()
    return (*cards, *(("cpu0",) if on_processor or not cards else ()))


def _name_of(hostname: str) -> str:
    return _NOT_IN_NAMES.sub("-", hostname).strip("-._")[:63] or "worker"


def _words(text: str) -> Tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _role(word: str) -> Role:
    try:
        return Role(word)
    except ValueError:
        raise Invalid(f"{word!r} is no role", "Give host, device or both: host,device.") from None


def _number(told: Callable[[str], str], name: str, default: float) -> float:
    text = told(name)
    try:
        value = float(text) if text else default
    except ValueError:
        value = -1.0
    if value < 0:
        raise Invalid(f"{_VARIABLES[name]}={text} is not a number from 0 on", "Set it anew or unset it.")
    return value


def _default_data(environ: Mapping[str, str]) -> Path:
    home = environ.get("XDG_DATA_HOME") or Path(environ.get("HOME") or "~") / ".local" / "share"
    return Path(home) / "farm-worker"
