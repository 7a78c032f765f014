"""The rules that hold the code together. Docstrings and bare excepts are ruff's; what ruff cannot see is here."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("farm", "orchestrator", "worker", "plugins")


@dataclass(frozen=True)
class Row:
    """What a package may import: ours by prefix, others' by name when it is imported itself, and inside functions."""

    ours: tuple[str, ...]
    at_import: tuple[str, ...] = ()
    when_used: tuple[str, ...] = ()


CONTRACT = ("farm.protocol",)
# What children of a worker share with it: values and the protocol between the two, nothing that knows a network.
CHILD = (
    "worker.child.clocks",
    "worker.child.compiling",
    "worker.child.guard",
    "worker.child.merging",
    "worker.child.result",
    "worker.settings",
)
SERVICES = (*CONTRACT, "orchestrator.rules", "orchestrator.services")

# The longest name that fits a module is its row. A package may always import itself.
IMPORTS = {
    "farm.protocol": Row(ours=()),
    "farm.backends": Row(CONTRACT),
    "farm.plugins": Row((*CONTRACT, "farm.filehash"), when_used=("tomli",)),
    "farm.device": Row(CONTRACT, when_used=("tensorrt", "tensorrt_rtx", "onnxruntime", "cuda")),
    "farm.device.checks": Row((*CONTRACT, "farm.device"), when_used=("httpx",)),
    "farm.runtime": Row(
        (*CONTRACT, "farm.backends", "farm.device", "farm.filehash"),
        ("numpy",),
        ("onnxruntime", "tensorrt", "tensorrt_rtx", "cuda"),
    ),
    "farm.detect": Row((*CONTRACT, "farm.runtime"), ("numpy",), ("PIL", "av")),
    "farm.client": Row((*CONTRACT, "farm"), ("httpx",)),
    "farm.cli": Row(("farm",), ("click",), ("rich", "httpx", "tomli", "numpy", "onnxruntime", "PIL")),
    "farm": Row(("farm",), when_used=("numpy",)),
    "orchestrator.rules": Row((*CONTRACT, "farm.backends")),
    # Functions of `orchestrator.store` are the port to the database; SQL stays behind them.
    "orchestrator.services": Row((*SERVICES, "orchestrator.store", "farm.plugins")),
    "orchestrator.store": Row(SERVICES, ("sqlalchemy", "alembic", "orjson")),
    "orchestrator.queue": Row(SERVICES, ("celery", "kombu", "redis")),
    "orchestrator.blobs": Row(SERVICES),
    "orchestrator.api": Row(SERVICES, ("fastapi", "starlette", "pydantic", "orjson", "prometheus_client", "uvicorn")),
    "orchestrator.pages": Row((*SERVICES, "orchestrator.api"), ("starlette", "jinja2")),
    "orchestrator": Row((*PACKAGES[:2],), ("click",), ("uvicorn", "rich")),
    "worker.device": Row(
        (
            *(*CONTRACT, "farm.backends", "farm.runtime", "farm.device", "farm.filehash", "farm.folders"),
            *("farm.onnxsummary", *CHILD),
        ),
        ("numpy",),
        ("onnx", "onnxruntime", "tensorrt"),
    ),
    "worker.host": Row(("farm", *CHILD), ("numpy",), ("onnx", "onnxruntime", "onnxslim", "onnx_graphsurgeon", "PIL")),
    # PyTorch is on the machines of those who export, and the table of exporters imports each where it is asked for.
    "worker.host.exporters": Row(("farm", "worker.host"), ("torch",), ("numpy", "onnx", "safetensors")),
    "worker.child": Row((*CONTRACT, "farm.cycles", "worker.settings")),
    # Its runner is the first process of a container, whose image has no Docker SDK.
    "worker.containers": Row(("farm", "worker.child", "worker.settings"), when_used=("docker", "requests")),
    "worker.lease": Row(("farm", "worker.child", "worker.coordinator")),
    "worker": Row(("farm", "worker"), ("httpx", "click"), ("celery", "kombu", "billiard", "rich")),
    # References in NumPy are imported where one is called.
    "plugins": Row(CONTRACT, ("numpy",)),
}

MODULE_LINES = 300
FUNCTION_LINES = 50
SETTINGS = ("farm/cli/settings.py", "orchestrator/settings.py", "worker/settings.py")
# Names in pieces, so that this file passes its own test.
NOT_IN_FILES = [
    re.compile(pattern)
    for pattern in (
        *(re.escape(".".join(name)) for name in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"))),
        *(re.escape(".".join((name, "debian", "org"))) for name in ("deb", "security", "ftp", "snapshot")),
        *(r"(?<![\w.}])/" + name + r"\b" for name in ("work" + "/", "opt/" + "venvs", "farm/" + "in", "root" + "/")),
    )
]


def product() -> list[Path]:
    """Every Python file of the product."""
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(), str(path))


def module_name(path: Path) -> str:
    """`farm/protocol/keys.py` is `farm.protocol.keys`; a package is named without `__init__`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def row_of(module: str) -> tuple[str, Row]:
    """The row with the longest name that holds the module."""
    name = max((name for name in IMPORTS if within(module, name)), key=len)
    return name, IMPORTS[name]


def within(module: str, package: str) -> bool:
    """True when the module is the package or lies in it."""
    return module == package or module.startswith(package + ".")


def imports(path: Path) -> Iterator[tuple[str, bool, int]]:
    """Each imported name in full, whether it is imported together with the module, and the line."""
    package = module_name(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]

    def walk(node: ast.AST, at_import: bool) -> Iterator[tuple[str, bool, int]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from ((name.name, at_import, child.lineno) for name in child.names)
            elif isinstance(child, ast.ImportFrom):
                base = package[: len(package) - child.level + 1] if child.level else []
                source = ".".join([*base, *([child.module] if child.module else [])])
                # `from . import x` names a module; `from .x import y` names what is in one.
                whole = [f"{source}.{name.name}" for name in child.names] if not child.module else [source]
                yield from ((name, at_import, child.lineno) for name in whole)
            else:
                lazy = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)) or is_type_checking(child)
                yield from walk(child, at_import and not lazy)

    return walk(tree(path), True)


def is_type_checking(node: ast.AST) -> bool:
    """True for `if TYPE_CHECKING:`, whose imports cost nothing and still are a dependency."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def refused(path: Path) -> Iterator[str]:
    """The imports of a file that its row does not grant."""
    here, row = row_of(module_name(path))
    for name, at_import, line in imports(path):
        top = name.split(".")[0]
        if top in sys.stdlib_module_names:
            continue
        if top in PACKAGES:
            # Every package may ask `farm` itself, for its version.
            granted = name == "farm" or any(within(name, package) for package in (here, *row.ours))
        else:
            granted = top in row.at_import or (not at_import and top in row.when_used)
        if not granted:
            yield f"{path.relative_to(ROOT)}:{line} imports {name}{' when it is imported' if at_import else ''}"


def files() -> Iterator[Path]:
    """Every file of the checkout that a person wrote."""
    for folder, folders, names in os.walk(ROOT):
        kept = (
            name for name in folders if not name.endswith(".egg-info") and name not in ("__pycache__", "build", "dist")
        )
        folders[:] = [name for name in kept if not name.startswith(".") or name == ".ci"]
        yield from (Path(folder) / name for name in names if not name.startswith("."))


def test_every_package_imports_only_what_its_row_grants() -> None:
    assert [told for path in product() for told in refused(path)] == []


def test_the_reader_of_imports_sees_each_form() -> None:
    """Guards the test above: a reader that finds nothing would let everything pass."""
    seen = {name for name, _, _ in imports(ROOT / "orchestrator/services/wakeup_port.py")}
    assert seen == {"__future__", "dataclasses", "typing"}
    lazy = {(name, at_import) for name, at_import, _ in imports(ROOT / "farm/__init__.py")}
    assert ("farm.client", False) in lazy
    assert row_of("orchestrator.queue.choose")[0] == "orchestrator.queue"
    assert row_of("orchestrator.settings")[0] == "orchestrator"


def test_modules_and_functions_are_short() -> None:
    long = []
    for path in product():
        if (lines := len(path.read_text().splitlines())) > MODULE_LINES:
            long.append(f"{path.relative_to(ROOT)} has {lines} lines")
        for node in ast.walk(tree(path)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name} has {lines} lines")
    assert long == []


def test_the_environment_is_read_in_settings_modules_only() -> None:
    readers = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in product()
        if str(path.relative_to(ROOT)) not in SETTINGS
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        and node.attr in ("environ", "environb", "getenv", "getenvb")
    ]
    assert readers == []


def test_no_error_is_swallowed() -> None:
    swallowed = []
    for path in product():
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.ExceptHandler):
                continue
            broad = node.type is None or (isinstance(node.type, ast.Name) and node.type.id.endswith("Exception"))
            if broad and all(isinstance(step, (ast.Pass, ast.Continue)) for step in node.body):
                swallowed.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert swallowed == []


def on_device() -> list[Path]:
    """The files that run on the oldest device."""
    files = (path for folder in ("farm", "worker") for path in sorted((ROOT / folder).rglob("*.py")))
    return [path for path in files if "host" not in path.relative_to(ROOT).parts]


def test_device_code_has_the_grammar_of_python_3_8() -> None:
    for path in on_device():
        ast.parse(path.read_text(), str(path), feature_version=(3, 8))


def test_the_check_of_the_grammar_refuses_what_3_8_lacks() -> None:
    with pytest.raises(SyntaxError):
        ast.parse("match x:\n    case 1: pass", feature_version=(3, 8))


def test_every_folder_of_tests_is_a_package() -> None:
    """Without it a folder such as `tests/worker` would be imported in the place of the product's `worker`."""
    folders = {path.parent for path in (ROOT / "tests").rglob("*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_docker_and_deploy_are_no_packages() -> None:
    """With an `__init__.py` they would hide the Docker SDK from `import docker`."""
    assert [path for folder in ("docker", "deploy") for path in (ROOT / folder).rglob("__init__.py")] == []


def test_no_file_names_a_machine_or_a_registry() -> None:
    named = []
    for path in files():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        named += [
            f"{path.relative_to(ROOT)}: {found[0]}" for pattern in NOT_IN_FILES if (found := pattern.search(text))
        ]
    assert named == []
