"""The manifests against the schemas of Kubernetes, and against each other. No cluster can be had here."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orchestrator.api import system
from orchestrator.settings import from_env
from tests.support.packages import installed

FOLDER = Path(__file__).parents[2] / "deploy/kubernetes"
# With the schemas of all versions; it brings the reader of YAML as well.
VALIDATOR = "kubernetes-validate==1.37.0"
VERSIONS = ("1.29", "1.37")
_READ = "import json, sys, yaml; print(json.dumps([[p, d] for p in sys.argv[1:] for d in yaml.safe_load_all(open(p))]))"
_CHECK = "import sys; from kubernetes_validate.__main__ import main; sys.exit(main())"


def run(code: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Python with the validator."""
    environ = {**os.environ, "PYTHONPATH": str(installed(os.environ, VALIDATOR))}
    return subprocess.run([sys.executable, "-c", code, *arguments], env=environ, capture_output=True, text=True)


@pytest.fixture(scope="module")
def documents() -> list[tuple[str, dict[str, Any]]]:
    """Each document with the name of its file."""
    told = run(_READ, *sorted(FOLDER.glob("*.yaml")))
    assert told.returncode == 0, told.stderr
    return [(Path(path).name, document) for path, document in json.loads(told.stdout)]


@pytest.fixture(scope="module")
def resources(documents: list[tuple[str, dict[str, Any]]]) -> dict[tuple[str, str], dict[str, Any]]:
    """What Kubernetes gets, by kind and name."""
    found = [item for name, item in documents if name != "kustomization.yaml"]
    return {(item["kind"], item["metadata"]["name"]): item for item in found}


def container(resources: dict[tuple[str, str], dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    (only,) = resources[kind, name]["spec"]["template"]["spec"]["containers"]
    return dict(only)


@pytest.mark.parametrize("version", VERSIONS)
def test_each_manifest_is_what_its_schema_says(version: str) -> None:
    paths = [path for path in sorted(FOLDER.glob("*.yaml")) if path.name != "kustomization.yaml"]
    told = run(_CHECK, "-k", version, "--strict", *paths)
    assert told.returncode == 0, told.stdout + told.stderr
    assert (told.stdout + told.stderr).count(" passed for resource ") == 8


def test_a_mistake_is_seen(tmp_path: Path) -> None:
    text = (FOLDER / "coordinator.yaml").read_text()
    assert "readOnlyRootFilesystem" in text
    (tmp_path / "wrong.yaml").write_text(text.replace("readOnlyRootFilesystem", "readonlyRootFilesystem"))
    told = run(_CHECK, "-k", VERSIONS[-1], "--strict", tmp_path / "wrong.yaml")
    assert told.returncode != 0
    assert "readonlyRootFilesystem" in told.stdout + told.stderr


def test_kustomize_finds_each_file_and_each_image(
    documents: list[tuple[str, dict[str, Any]]], resources: dict[tuple[str, str], dict[str, Any]]
) -> None:
    (told,) = (item for name, item in documents if name == "kustomization.yaml")
    files = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(told["resources"]) == files
    used = {container(resources, *where)["image"] for where in (("Deployment", "coordinator"), ("DaemonSet", "worker"))}
    assert {item["name"] for item in told["images"]} == used
    assert ("Namespace", told["namespace"]) in resources


def test_what_names_something_names_what_is_there(resources: dict[tuple[str, str], dict[str, Any]]) -> None:
    pods = {
        name: resources[kind, name]["spec"]["template"]["metadata"]["labels"]
        for kind, name in (("Deployment", "coordinator"), ("DaemonSet", "worker"))
    }
    for kind, name in (("Deployment", "coordinator"), ("DaemonSet", "worker")):
        assert resources[kind, name]["spec"]["selector"]["matchLabels"].items() <= pods[name].items()
        spec = resources[kind, name]["spec"]["template"]["spec"]
        assert {item["name"] for item in spec["containers"][0]["volumeMounts"]} == {
            item["name"] for item in spec["volumes"]
        }
    service = resources["Service", "coordinator"]["spec"]
    assert service["selector"].items() <= pods["coordinator"].items()
    names = {item["name"]: item["containerPort"] for item in container(resources, "Deployment", "coordinator")["ports"]}
    assert [names[item["targetPort"]] for item in service["ports"]] == [8300]
    for name in ("coordinator", "worker"):
        chosen = resources["NetworkPolicy", name]["spec"]["podSelector"]["matchLabels"]
        assert chosen.items() <= pods[name].items()
    disks = resources["Deployment", "coordinator"]["spec"]["template"]["spec"]["volumes"]
    claims = [item["persistentVolumeClaim"]["claimName"] for item in disks if "persistentVolumeClaim" in item]
    assert [("PersistentVolumeClaim", name) in resources for name in claims] == [True]
    secrets = {"coordinator", "worker"}
    assert set(re.findall(r"create secret generic (\w+)", (FOLDER / "README.md").read_text())) == secrets
    text = (FOLDER / "coordinator.yaml").read_text() + (FOLDER / "worker.yaml").read_text()
    assert set(re.findall(r"secret(?:Key)?Ref: \{ name: (\w+)", text)) == secrets


def test_one_coordinator_at_a_time(resources: dict[tuple[str, str], dict[str, Any]]) -> None:
    spec = resources["Deployment", "coordinator"]["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    assert resources["PersistentVolumeClaim", "coordinator"]["spec"]["accessModes"] == ["ReadWriteOnce"]


def test_pods_are_of_nobody_special(resources: dict[tuple[str, str], dict[str, Any]]) -> None:
    images = Path(__file__).parents[2] / "docker"
    for kind, name in (("Deployment", "coordinator"), ("DaemonSet", "worker")):
        user = resources[kind, name]["spec"]["template"]["spec"]["securityContext"]["runAsUser"]
        assert f"USER {user}:" in (images / f"{name}.Dockerfile").read_text()
        walls = container(resources, kind, name)["securityContext"]
        assert walls["capabilities"] == {"drop": ["ALL"]}
        assert (walls["readOnlyRootFilesystem"], walls["allowPrivilegeEscalation"]) == (True, False)


def test_probes_and_settings_are_ones_of_the_coordinator(resources: dict[tuple[str, str], dict[str, Any]]) -> None:
    made = container(resources, "Deployment", "coordinator")
    paths = {made[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert paths <= {route.path for route in system.system_routes({})}
    told = {item["name"]: item["value"] for item in made["env"]}
    told |= dict.fromkeys(re.findall(r"from-literal=(FARM_\w+)", (FOLDER / "README.md").read_text()), "")
    assert from_env({**told, "HOME": "/nowhere"}).unknown == ()
