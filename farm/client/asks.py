"""What a submit sends, made from what a user has: files on disk become digests, and are remembered for the upload."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Dict, Optional, Sequence, Tuple, Union

from farm.protocol.errors import Conflict, Invalid
from farm.protocol.inputs import check_inputs, says_anything
from farm.protocol.model import GRAPH_FILE, FileRef, ModelManifest
from farm.protocol.options import BenchmarkPolicy, BuildOptions, ReferencePolicy, VerifyPolicy
from farm.protocol.steps import changes_interface
from farm.protocol.submit import Plan, SubmitAsk
from farm.protocol.timing import TimingCacheUse
from farm.protocol.views import SubmissionView

from . import plugins
from .files import hash_file
from .localmodel import LocalModel, checked_name, read_model
from .plugins import PluginWord
from .progress import Progress
from .transport import Transport
from .upload import upload

ModelSource = Union[str, Path, LocalModel, ModelManifest]
_ROUNDS = 3


@dataclass(frozen=True)
class LocalAsk:
    """A `SubmitAsk` and the files it names that are at hand, by sha256.

    Attributes:
        plugins: Names and folders that it will name, once those in folders are added.
    """

    ask: SubmitAsk
    paths: Dict[str, Path] = field(default_factory=dict)
    plugins: Tuple[PluginWord, ...] = ()


@dataclass(frozen=True)
class SubmitOptions:
    """How to build, verify and measure; all of it may be left out.

    Attributes:
        name: What the model is called; by default its file name without `.onnx`.
        build: Precision, shapes, options of the backend.
        reference: How reference inputs and outputs come to be.
        verify: When an engine counts as right.
        benchmark: How an engine is measured.
        steps: Graph steps by name instead of those that the target needs.
        priority: Higher goes first.
        tags: Free words for `list`.
        force: Build although an engine, or a failed or quarantined build, with this key exists.
        accept_degraded: An engine that was built on a degraded rung will do.
        timing_cache: Whether builds use what others have timed.
        plugins: Names of plugins, or folders of them, for operators that others have too.
        calibration: .npz file with samples for int8 and fp8, each array stacked along a new first axis.
        inputs: .npz file with reference inputs.
        outputs: .npz file with reference outputs.
    """

    name: Optional[str] = None
    build: BuildOptions = field(default_factory=BuildOptions)
    reference: ReferencePolicy = field(default_factory=ReferencePolicy)
    verify: VerifyPolicy = field(default_factory=VerifyPolicy)
    benchmark: BenchmarkPolicy = field(default_factory=BenchmarkPolicy)
    steps: Optional[Tuple[str, ...]] = None
    priority: int = 0
    tags: Dict[str, str] = field(default_factory=dict)
    force: bool = False
    accept_degraded: bool = False
    timing_cache: TimingCacheUse = TimingCacheUse.SHARED
    plugins: Tuple[PluginWord, ...] = ()
    calibration: Union[str, Path, None] = None
    inputs: Union[str, Path, None] = None
    outputs: Union[str, Path, None] = None


def make_ask(
    model: ModelSource,
    targets: Sequence[str],
    options: Optional[SubmitOptions] = None,
    progress: Optional[Progress] = None,
) -> LocalAsk:
    """Everything that a plan or a submit sends; reads and hashes files, sends nothing.

    Raises: Invalid: a file cannot be read or is not what it should be, the model may not have its name, or has no such
        input as the options say.
    """
    options = options or SubmitOptions()
    local = _local_model(model, options.name, progress)
    paths = dict(local.paths)
    build, reference = options.build, options.reference
    if options.calibration:
        build = replace(build, calibration=_npz(options.calibration, paths, progress))
    if options.inputs:
        reference = replace(reference, inputs=_npz(options.inputs, paths, progress))
    if options.outputs:
        reference = replace(reference, outputs=_npz(options.outputs, paths, progress))
    if not changes_interface(options.steps):
        _check_inputs(local, build, reference)
    ask = SubmitAsk(
        name=local.name,
        model=local.manifest,
        targets=tuple(targets),
        options=build,
        reference=reference,
        verify=options.verify,
        benchmark=options.benchmark,
        steps=options.steps,
        priority=options.priority,
        tags=options.tags,
        force=options.force,
        accept_degraded=options.accept_degraded,
        timing_cache=options.timing_cache,
        idempotency=uuid.uuid4().hex,
    )
    return LocalAsk(ask, paths, options.plugins)


def send_plan(transport: Transport, local: LocalAsk) -> Plan:
    """What a submit would do.

    Raises: Invalid: the coordinator lacks a plugin that is a folder here.
    """
    ask = replace(local.ask, plugins=plugins.known_words(transport, local.plugins))
    return transport.value(Plan, "POST", "/plans", ask, repeatable=True)


def send_submit(transport: Transport, local: LocalAsk, progress: Optional[Progress] = None) -> SubmissionView:
    """Submit, and upload what the coordinator lacks. Asked first, because mostly it lacks nothing.

    Raises: Conflict: it lacks a blob that is not at hand.
    """
    ask = replace(local.ask, plugins=plugins.words(transport, local.plugins, progress))
    for _ in range(_ROUNDS):
        try:
            return transport.value(SubmissionView, "POST", "/submissions", ask, repeatable=True)
        except Conflict as error:
            missing = error.details.get("missing")
            if not missing:
                raise
            _upload_missing(transport, local, tuple(missing), progress)
    raise Conflict("the coordinator keeps losing the files of this submission", "Check its storage: farm doctor.")


def _upload_missing(
    transport: Transport, local: LocalAsk, missing: Tuple[str, ...], progress: Optional[Progress]
) -> None:
    sizes = {item.sha256: item.size_bytes for item in local.ask.manifest.files}
    for sha256 in missing:
        path = local.paths.get(sha256)
        if path is None:
            raise Conflict(f"the coordinator lacks the file {sha256[:12]}", "Submit from where the model's files are.")
        size_bytes = sizes.get(sha256, path.stat().st_size)
        upload(transport, path, FileRef(path.name, size_bytes, sha256), progress)


def _local_model(model: ModelSource, name: Optional[str], progress: Optional[Progress]) -> LocalModel:
    if isinstance(model, LocalModel):
        return replace(model, name=checked_name(name)) if name else model
    if isinstance(model, ModelManifest):
        if not name:
            raise Invalid("a manifest has no name of its own", "Give name=.")
        return LocalModel(checked_name(name), model)
    return read_model(model, name, progress)


def _check_inputs(local: LocalModel, build: BuildOptions, reference: ReferencePolicy) -> None:
    """Refuse shapes and values for inputs that the graph does not have, where the graph is at hand."""
    graph = next((item.sha256 for item in local.manifest.files if item.name == GRAPH_FILE), "")
    if graph in local.paths and says_anything(build, reference):
        from farm.onnxsummary import declared_inputs

        check_inputs(declared_inputs(local.paths[graph]), build, reference)


def _npz(path: Union[str, Path], paths: Dict[str, Path], progress: Optional[Progress]) -> str:
    """The digest of an .npz file, which is remembered in `paths`."""
    path = Path(path)
    if path.is_dir():
        raise Invalid(f"{path} is a folder", "farm submit --calib takes one of pictures; here give an .npz file.")
    found = hash_file(path, progress=progress)
    with path.open("rb") as stream:
        if stream.read(4) not in (b"PK\x03\x04", b"PK\x05\x06"):
            raise Invalid(f"{path} is not an .npz file", "Write one with numpy.savez.")
    paths[found.sha256] = path
    return found.sha256
