"""The wheel: what is in it, and what runs with how little installed beside it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("farm", "orchestrator", "plugins", "worker")

IMPORT_ALL = """
import importlib, pkgutil, sys
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for found in pkgutil.walk_packages(package.__path__, name + "."):
        if "host" not in found.name.split("."):
            importlib.import_module(found.name)
"""

pytestmark = pytest.mark.slow


def run(*command: object) -> str:
    """What a command prints; its error output in the message where it fails."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=ROOT.anchor)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: a build leaves folders beside its sources."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in (*PACKAGES, "pyproject.toml", "README.md"):
        source, copy = ROOT / name, folder / "source" / name
        copy.parent.mkdir(exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy)
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, folder / "source")
    (built,) = folder.glob("*.whl")
    return built


def environment(folder: Path, *requirements: object) -> Path:
    """The interpreter of a new environment that holds these and nothing else."""
    python = folder / "bin/python"
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    # Most of what is installed is never imported: what is gets compiled then.
    run(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-compile", *requirements)
    return python


def test_the_wheel_holds_the_four_packages_whole_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    written = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == written


def test_the_client_needs_no_extra(wheel: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "venv", wheel)
    assert "Usage: farm" in run(python.with_name("farm"), "--help")
    run(python, "-c", IMPORT_ALL, "farm.protocol", "farm.client", "farm.cli", "farm.device")
    run(python, "-c", "from farm import FarmClient")


def test_the_worker_needs_the_worker_extra_only(wheel: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "venv", f"{wheel}[worker]")
    run(python, "-c", IMPORT_ALL, "farm", "worker")
    assert "Usage: farm worker" in run(python.with_name("farm"), "worker", "--help")


def test_the_distribution_cannot_be_mistaken_for_somebody_elses(wheel: Path) -> None:
    """`farm` is another project's name; ours is not to be uploaded by accident either."""
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA"))
    assert "Name: tensorrt-engine-farm" in metadata
    assert "Private :: Do Not Upload" in metadata
