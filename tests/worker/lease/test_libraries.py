from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import pytest

from farm.device.machine import Machine
from farm.filehash import file_ref
from farm.protocol.errors import BlobCorrupt, Invalid, Unsupported
from farm.protocol.keys import PreparationRecipe, RequestKey
from farm.protocol.model import FileRef
from farm.protocol.options import BenchmarkPolicy, BuildOptions, VerifyPolicy
from farm.protocol.plugins import (
    PluginKey,
    PluginLibrary,
    PluginLibraryAnswer,
    PluginLibraryAsk,
    PluginLibraryMade,
    PluginSource,
    PluginWork,
)
from farm.protocol.target import BuildTarget, GpuClass
from farm.protocol.work import BuildWork, Prepared, ReuseEngine
from tests.worker.lines import ScriptedLine
from worker.child.compiling import CompiledLibrary, CompileResult, CompileWork
from worker.lease import exchange
from worker.lease.exchange import Exchange
from worker.lease.halt import Halt
from worker.lease.libraries import Libraries, Workbench, effective_of, files_of, key_of
from worker.lease.patience import Patience
from worker.lease.transfer import Cache

XAVIER = BuildTarget("tensorrt", "8.5.2.2", "linux-aarch64", "glibc-2.31", gpu=GpuClass("Xavier", "7.2"), cuda="11.4")
BENCH = Workbench({"nvcc": "11.4.315", "cxx": "gcc-9.4.0", "cmake": "3.31.6"}, Machine(root=Path("/nowhere")))
BLOBS = {hashlib.sha256(data).hexdigest(): data for data in (b"kernel", b"glue", b"cmake", b"of somebody else")}
KERNEL, GLUE, CMAKE, ELSE = BLOBS
SOURCE = PluginSource(
    (FileRef("kernel.cu", 6, KERNEL), FileRef("plugin.cpp", 4, GLUE)), (FileRef("CMakeLists.txt", 5, CMAKE),)
)
PLUGIN = PluginWork("own", ("Own",), SOURCE)


def work(target: BuildTarget = XAVIER, options: Optional[BuildOptions] = None, **more: Any) -> BuildWork:
    key = RequestKey("0" * 64, PreparationRecipe(()), options or BuildOptions(), target, {"own": SOURCE.digest})
    nothing = Prepared((), (), (), None, None, "none")
    return BuildWork(
        "bld-1", "net", key, nothing, VerifyPolicy(), BenchmarkPolicy(), 60.0, plugins=(PLUGIN,), **more
    )  # fmt: skip


class Shelf(ScriptedLine):
    """A coordinator with libraries by key. `first` is published by another device in the moment before ours is."""

    def __init__(self) -> None:
        super().__init__()
        self.stored: Dict[str, PluginLibrary] = {}
        self.first: Optional[str] = None
        self.made: List[PluginLibraryMade] = []

    def find_plugin_library(self, ask: PluginLibraryAsk) -> PluginLibraryAnswer:
        return PluginLibraryAnswer(self.stored.get(ask.key.digest))

    def publish_plugin_library(self, made: PluginLibraryMade) -> PluginLibraryAnswer:
        self.made.append(made)
        sha256 = self.first or made.sha256
        library = stored(made.key, sha256, "another" if self.first else "this")
        return PluginLibraryAnswer(self.stored.setdefault(made.key.digest, library))


def stored(key: PluginKey, sha256: str, device: str) -> PluginLibrary:
    return PluginLibrary(
        key.plugin, key.digest, key.source, sha256, 16, "Xavier", "default", device, "att-0", 2.5, {"nvcc": "11.4"}, ""
    )


class Case:
    """What brings libraries, with a compiler that writes what it is told to."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.workspace = folder / "att-1"
        self.line = Shelf()
        self.said: List[str] = []
        self.compiled: List[Tuple[CompileWork, List[str]]] = []
        self.sent: List[str] = []
        self.damaged: List[str] = []
        cache = Cache(folder / "cache", 1 << 20)
        monkeypatch.setattr(cache, "bring", self._bring)
        monkeypatch.setattr(exchange, "send", lambda line, where, files, *_: self.sent.extend(x.sha256 for x in files))
        patience = Patience(threading.Event(), lambda: 0.0)
        self.libraries = Libraries(Exchange(self.line, cache, patience, Halt()), BENCH, self._compile, self.said.append)

    def bring(self, asked: BuildWork) -> Tuple[PluginLibrary, ...]:
        return self.libraries.bring(asked, self.workspace)

    @property
    def library(self) -> bytes:
        """What the build will load."""
        return (self.workspace / "input/plugins/libfarm_own.so").read_bytes()

    def _bring(self, transport: object, sha256: str, path: Path, progress: object) -> int:
        if sha256 in self.damaged:
            raise BlobCorrupt("the blob is damaged")
        path.parent.mkdir(parents=True, exist_ok=True)
        made = self.workspace / "compile/output/libfarm_own.so"
        return path.write_bytes(BLOBS.get(sha256) or made.read_bytes())

    def _compile(self, asked: CompileWork, folder: Path) -> CompileResult:
        there = [str(path.relative_to(folder / "input")) for path in sorted(folder.rglob("input/**/*.*"))]
        self.compiled.append((asked, there))
        (folder / "output/libfarm_own.so").write_bytes(b"just compiled")
        made = file_ref(folder / "output/libfarm_own.so")
        return CompileResult((CompiledLibrary("own", made, 3.5, {"nvcc": "V11.4"}, {"machine_code": ["7.2"]}),))


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    return Case(tmp_path, monkeypatch)


def test_what_nobody_has_is_compiled_from_its_sources_and_shared(case: Case) -> None:
    (library,) = case.bring(work())
    ((asked, sources),) = case.compiled
    assert asked == CompileWork(XAVIER, (key_of(PLUGIN, work(), BENCH),))
    assert sources == ["own/CMakeLists.txt", "own/own/kernel.cu", "own/own/plugin.cpp"]
    (made,) = case.line.made
    assert (made.token, made.sha256, made.compile_s) == (7, library.sha256, 3.5)
    assert (made.compilers, made.inspected) == ({"nvcc": "V11.4"}, {"machine_code": ["7.2"]})
    assert case.sent == [library.sha256]
    assert case.library == b"just compiled"


def test_what_the_fleet_has_is_not_compiled_again(case: Case) -> None:
    key = key_of(PLUGIN, work(), BENCH)
    case.line.stored[key.digest] = stored(key, ELSE, "smith")
    assert case.bring(work()) == (case.line.stored[key.digest],)
    assert (case.compiled, case.library) == ([], b"of somebody else")
    assert case.said == [f"the library of own is {ELSE[:12]}, compiled by smith in 2.5 s"]


def test_who_was_first_is_who_everybody_uses(case: Case) -> None:
    case.line.first = ELSE
    (library,) = case.bring(work())
    assert (library.device, case.library) == ("another", b"of somebody else")
    assert case.said == ["another was first to compile own, and its library is used"]


def test_a_library_under_another_key_is_refused(case: Case) -> None:
    key = key_of(PLUGIN, work(), BENCH)
    other = replace(key, compute_capabilities=("8.7",))
    case.line.stored[key.digest] = stored(other, ELSE, "smith")
    with pytest.raises(Invalid, match="offers another library than that of own"):
        case.bring(work())


def test_a_damaged_library_is_never_used(case: Case) -> None:
    key = key_of(PLUGIN, work(), BENCH)
    case.line.stored[key.digest] = stored(key, ELSE, "smith")
    case.damaged.append(ELSE)
    with pytest.raises(BlobCorrupt):
        case.bring(work())
    assert not (case.workspace / "input/plugins").exists()


def test_an_engine_that_exists_has_its_libraries(case: Case) -> None:
    assert case.bring(work(reuse=ReuseEngine("eng-1", (), (), ()))) == ()
    assert case.compiled == []


def test_a_key_says_for_which_cards_and_with_what(case: Case) -> None:
    key = key_of(PLUGIN, work(), BENCH)
    assert (key.compute_capabilities, key.architecture, key.tensorrt, key.cuda) == (("7.2",), "aarch64", "8.5", "11.4")
    assert (key.compilers, key.flags) == ({"nvcc": "11.4.315", "cxx": "gcc-9.4.0"}, ())
    ahead = BuildTarget("tensorrt_rtx", "1.7.1.116", "linux-x86_64", "glibc-2.36")
    options = BuildOptions(backend_options={"computeCapabilities": "8.6,12.0"})
    assert key_of(PLUGIN, work(ahead, options), BENCH).compute_capabilities == ("12.0", "8.6")


def test_headers_of_another_product_are_in_the_key(tmp_path: Path) -> None:
    include = tmp_path / "usr/include"
    include.mkdir(parents=True)
    lines = ("MAJOR 11", "MINOR 1", "PATCH 0", "BUILD 106")
    (include / "NvInferVersion.h").write_text("".join(f"#define NV_TENSORRT_{line}\n" for line in lines))
    ahead = BuildTarget("tensorrt_rtx", "1.7.1.116", "linux-x86_64", "glibc-2.36")
    key = key_of(PLUGIN, work(ahead), Workbench({}, Machine(root=tmp_path)))
    assert key.flags == ("headers of TensorRT 11.1.0.106",)


def test_backends_without_plugins_are_refused() -> None:
    target = BuildTarget("onnxruntime", "1.31.1", "linux-x86_64", "glibc-2.36")
    with pytest.raises(Unsupported, match=r"onnxruntime 1\.31\.1 takes no plugins, and the model needs own"):
        key_of(PLUGIN, work(target), BENCH)


def test_an_engine_names_its_libraries_with_source_and_key() -> None:
    library = stored(key_of(PLUGIN, work(), BENCH), ELSE, "smith")
    assert files_of((library,)) == (FileRef("plugins/libfarm_own.so", 16, ELSE),)
    told = effective_of((library,))["own"]
    assert (told["library"], told["source"], told["key"]) == (ELSE, SOURCE.digest, library.key)
    assert (told["compiled_by"], told["compilers"]) == ("smith", {"nvcc": "11.4"})
