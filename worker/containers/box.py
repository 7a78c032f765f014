"""What a container may have, as one value, and how it is asked of the engine or of a person's shell."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

from .runner import GIVEN, WORKSPACE

_TMP_BYTES = 64 << 20
_DESCRIPTORS = 1024
_CAPABILITIES = ("compute", "utility")


@dataclass(frozen=True)
class Cards:
    """The accelerators that a container sees.

    Attributes:
        ids: UUIDs or numbers of cards; empty means all.
        integrated: A Jetson, where the engine has a runtime of its own for them in place of device requests.
    """

    ids: Tuple[str, ...] = ()
    integrated: bool = False


@dataclass(frozen=True)
class Box:
    """One kind of container.

    Attributes:
        image: Reference of the toolchain's image.
        user: `uid:gid`, never root's.
        memory_bytes: Of all its processes; what lies in its workspace counts beside.
        scratch_bytes: What its workspace may hold.
        pids: Processes and threads.
        cpus: Processors' worth of time; None means all.
        cards: None means none.
        labels: By which it is found again.
        environ: Beside what the image sets.
    """

    image: str
    user: str
    memory_bytes: int
    scratch_bytes: int
    pids: int = 1024
    cpus: Optional[float] = None
    cards: Optional[Cards] = None
    labels: Mapping[str, str] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def workspace_options(self) -> str:
        """Of the file system in memory that is the workspace: what a build compiles there may be loaded."""
        uid, gid = self.user.split(":")
        return f"rw,exec,nosuid,nodev,mode=0700,uid={uid},gid={gid},size={self.scratch_bytes}"

    @property
    def full_memory_bytes(self) -> int:
        """With both memory file systems full, the processes still have theirs."""
        return self.memory_bytes + self.scratch_bytes + _TMP_BYTES


def engine_options(box: Box, command: List[str], given: Optional[Path]) -> Dict[str, Any]:
    """For `containers.create` of the Docker SDK.

    Args:
        box: See there.
        command: All of it; the image's entry point is not used.
        given: Folder of this machine that it reads; None means none.
    """
    from docker.types import LogConfig, Mount, Ulimit

    # Mounts in the order in which they lie in each other are the engine's care.
    mounts = [Mount(str(GIVEN), str(given), type="bind", read_only=True)] if given else []
    told: Dict[str, Any] = {
        "image": box.image,
        "entrypoint": command[:1],
        "command": command[1:],
        "user": box.user,
        "labels": dict(box.labels),
        "environment": dict(box.environ),
        "working_dir": str(WORKSPACE),
        "hostname": "build",
        "stdin_open": True,
        # What it says comes by its pipes alone, and fills no disk.
        "log_config": LogConfig(type="none"),
        "auto_remove": True,
        "network_mode": "none",
        "ipc_mode": "private",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "mounts": mounts,
        "tmpfs": {str(WORKSPACE): box.workspace_options, "/tmp": f"rw,nosuid,nodev,size={_TMP_BYTES}"},
        "shm_size": _TMP_BYTES,
        "mem_limit": box.full_memory_bytes,
        "memswap_limit": box.full_memory_bytes,
        "pids_limit": box.pids,
        "ulimits": [
            Ulimit(name="core", soft=0, hard=0),
            Ulimit(name="nofile", soft=_DESCRIPTORS, hard=_DESCRIPTORS),
        ],
    }
    if box.cpus is not None:
        told["nano_cpus"] = int(box.cpus * 1e9)
    return _with_cards(told, box.cards)


def _with_cards(told: Dict[str, Any], cards: Optional[Cards]) -> Dict[str, Any]:
    if cards is None:
        return told
    if cards.integrated:
        visible = {
            "NVIDIA_VISIBLE_DEVICES": ",".join(cards.ids) or "all",
            "NVIDIA_DRIVER_CAPABILITIES": ",".join(_CAPABILITIES),
        }
        return {**told, "runtime": "nvidia", "environment": {**told["environment"], **visible}}
    from docker.types import DeviceRequest

    which: Dict[str, Any] = {"device_ids": list(cards.ids)} if cards.ids else {"count": -1}
    return {
        **told,
        "device_requests": [DeviceRequest(driver="nvidia", capabilities=[list(_CAPABILITIES)], **which)],
    }


def write_script(box: Box, module: str, workspace: Path, name: str) -> None:
    """A script in a workspace that repeats a child by hand, in a container like its own."""
    shown = f"ln -s {GIVEN}/* {WORKSPACE}/; rm -f {WORKSPACE}/output; mkdir {WORKSPACE}/output"
    inside = f"{shown}; exec python3 -m {module} {WORKSPACE}"
    words = ["docker", "run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL", "--user", box.user]
    words += ["--security-opt", "no-new-privileges", "--memory", str(box.full_memory_bytes)]
    words += ["--pids-limit", str(box.pids), "--tmpfs", f"{WORKSPACE}:{box.workspace_options}", "--tmpfs", "/tmp"]
    words += [item for key, value in sorted(box.environ.items()) for item in ("--env", f"{key}={value}")]
    words += _cards_words(box.cards)
    lines = [
        "#!/bin/sh",
        "# Repeats this stage by hand, in a container like that the worker gave it.",
        'folder=$(cd "$(dirname "$0")" && pwd) || exit 1',
        f'exec {" ".join(map(shlex.quote, words))} --mount "type=bind,source=$folder,target={GIVEN},readonly" \\',
        f"    --entrypoint sh {shlex.quote(box.image)} -c {shlex.quote(inside)}",
    ]
    path = workspace / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    path.chmod(0o755)


def _cards_words(cards: Optional[Cards]) -> List[str]:
    if cards is None:
        return []
    if cards.integrated:
        return ["--runtime", "nvidia", "--env", f"NVIDIA_VISIBLE_DEVICES={','.join(cards.ids) or 'all'}"]
    return ["--gpus", f'"device={",".join(cards.ids)}"' if cards.ids else "all"]
