from __future__ import annotations

import dataclasses
import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from farm.protocol.errors import BlobCorrupt, Invalid, NoEngine, NotFound, Unsupported
from farm.protocol.facts import BackendFacts, CpuFacts
from farm.protocol.model import FileRef
from farm.protocol.options import BuildOptions
from farm.runtime import open_engine
from farm.runtime.backends import OPENERS, opener
from farm.runtime.onnxruntime import OnnxRuntimeSession

from .bundles import HERE, IMAGES, bundle_in


@pytest.fixture
def bundle(tmp_path: Path) -> Any:
    """Write a bundle, as `farm fetch` does."""

    def write(facts: Any = HERE, options: Any = None, extra: Any = ()) -> Any:
        return bundle_in(tmp_path, None, facts, options, extra)

    return write


def facts_with(**changes: Any) -> Any:
    return dataclasses.replace(HERE, **changes)


def test_an_engine_opens_and_runs(bundle: Any) -> None:
    with open_engine(str(bundle()), facts=HERE) as engine:
        assert engine.run(IMAGES)["logits"].shape == (1, 10)


def test_options_of_the_build_hold_at_run_time(bundle: Any) -> None:
    folder = bundle(options=BuildOptions(backend_options={"intra_op_threads": 1}))
    with open_engine(folder, facts=HERE) as engine:
        assert isinstance(engine, OnnxRuntimeSession)
        assert engine._session.get_session_options().intra_op_num_threads == 1


def test_an_engine_without_its_weights_is_refused_with_what_to_do(bundle: Any) -> None:
    folder = bundle(options=BuildOptions(backend_options={"stripWeights": True}))
    with pytest.raises(Unsupported, match="cannot run: its weights were stripped") as caught:
        open_engine(folder, facts=HERE)
    assert "OnnxParserRefitter" in caught.value.hint


@pytest.mark.parametrize(
    ("built_on", "reason"),
    [
        (
            facts_with(cpu=CpuFacts("x", 4, ("avx", "avx2", "avx512f"))),
            "instruction sets avx512f, this",
        ),
        (facts_with(backends=(BackendFacts("onnxruntime", "1.2.3"),)), "needs onnxruntime 1.2.3, this device has"),
        (facts_with(platform="linux-aarch64"), "built for linux-aarch64, this device is linux-x86_64"),
    ],
)
def test_an_engine_of_another_machine_is_refused_with_the_reason(bundle: Any, built_on: Any, reason: str) -> None:
    with pytest.raises(NoEngine, match=reason) as caught:
        open_engine(bundle(built_on), facts=HERE)
    assert len(caught.value.details["refusals"]) == 1


def test_this_device_is_probed_when_no_facts_are_given(bundle: Any) -> None:
    elsewhere = facts_with(cpu=CpuFacts("x", 4, ("an_instruction_set_of_the_future",)))
    with pytest.raises(NoEngine, match="an_instruction_set_of_the_future"):
        open_engine(bundle(elsewhere))


def test_a_folder_without_an_engine_says_how_to_get_one(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(NotFound, match="farm fetch"):
            open_engine(folder, facts=HERE)


def test_missing_and_damaged_files_are_named(bundle: Any) -> None:
    folder = bundle()
    content = bytearray((folder / "engine.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "engine.onnx").write_bytes(content)
    with pytest.raises(BlobCorrupt, match=r"engine.onnx"):
        open_engine(folder, facts=HERE)
    (folder / "engine.onnx").unlink()
    with pytest.raises(NotFound, match=r"engine.onnx is missing"):
        open_engine(folder, facts=HERE)


def test_a_manifest_cannot_point_out_of_its_folder(bundle: Any, tmp_path: Path) -> None:
    secret = tmp_path.parent / "secret"
    secret.write_text("x")
    digest = hashlib.sha256(b"x").hexdigest()
    with pytest.raises(Invalid, match="leaves the folder"):
        open_engine(bundle(extra=(FileRef("../secret", 1, digest),)), facts=HERE)


def test_plugin_libraries_are_never_ignored(bundle: Any, tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins/x.so").write_bytes(b"x")
    library = FileRef("plugins/x.so", 1, hashlib.sha256(b"x").hexdigest())
    with pytest.raises(Unsupported, match=r"plugins/x\.so"):
        open_engine(bundle(extra=(library,)), facts=HERE)


def test_every_backend_in_the_table_opens_something() -> None:
    for name in OPENERS:
        assert callable(opener(name))
    with pytest.raises(Unsupported, match="no backend 'abacus'"):
        opener("abacus")


def test_the_package_imports_without_numpy() -> None:
    program = "import sys; sys.modules['numpy'] = None; import farm.runtime; print(farm.runtime.__all__[0])"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=str(Path(__file__).parents[3]),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "Engine"
