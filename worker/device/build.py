"""One build on a device: build, verify, measure. Verification comes first: nobody times a wrong engine."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

from farm.backends.tensorrt.combinations import stripped
from farm.filehash import file_ref
from farm.protocol.errors import BuildFailed, Invalid
from farm.protocol.model import GRAPH_FILE, FileRef
from farm.protocol.report import BenchmarkReport, Verdict, VerificationReport
from farm.protocol.requirement import requirement_from_target
from farm.protocol.states import State
from farm.protocol.timing import TIMING_CACHE_FILE, TimingCacheUse
from farm.protocol.work import BuildWork
from farm.runtime.arrays import load_arrays
from farm.runtime.benchmark.measure import measure, refused
from farm.runtime.session import Session
from farm.runtime.verify.run import verify
from farm.runtime.verify.tolerance import check_policy
from farm.runtime.verify.verdict import unjudged
from worker.child.clocks import await_answer
from worker.child.guard import CALIBRATION_FILE, INPUTS_FILE
from worker.child.result import ChildResult
from worker.settings import lifeline_descriptor

from .builders.base import BuildOrder, BuiltEngine, Progress, TimingOrder, nobody
from .builders.table import load
from .layers import layers_of_engine, layers_of_network
from .libraries import load_libraries
from .witness import Witness, witness

log = logging.getLogger(__name__)

SAMPLES_FILE = "samples.bin"
VALUES_FILE = "values.bin"
Enter = Callable[[State, str], None]


def make(work: BuildWork, workspace: Path, enter: Enter, progress: Progress = nobody) -> ChildResult:
    """Do the work in its workspace, which `docs/architecture.md` describes.

    A wrong engine is a result, not an error: its verification says `failed`, and it has no benchmark.

    Args:
        work: What to build, or which engine to use.
        workspace: Holds `input/` and an empty `output/`.
        enter: Told of each stage as it begins.
        progress: Told how far the builder is.

    Raises: FarmError: why there is no engine.
    """
    check_policy(work.verify, [spec.name for spec in work.prepared.outputs])
    builder = load(work.key.target.backend)
    order = _order(work, workspace, progress)
    load_libraries(work, workspace, builder)
    if work.reuse:
        built = BuiltEngine((), requirement_from_target(work.key.target))
        engine = workspace / "input/engine" / work.reuse.files[0].name
    else:
        enter(State.BUILDING, f"{builder.name} {work.key.target.backend_version}, {work.key.options.precision}")
        built = _with_weights(builder.build(order), work)
        engine = workspace / "output" / built.files[0]
    reason = builder.cannot_run(work.key.target) or stripped(work.key.options)
    if reason:
        return _not_run(work, workspace, built, reason)
    enter(State.VERIFYING, "")
    inputs = _inputs(work, workspace)
    held = witness(work, workspace, builder, order, inputs)
    with builder.open(engine, work.key.options) as session:
        verification = _verify(work, workspace, held, session, inputs)
        benchmark, samples, timed = _measure(work, workspace, session, inputs, verification, enter)
        layers = layers_of_engine(session, built, timed, workspace / "output")
        return ChildResult(
            files=_files(workspace, built, layers),
            inputs=session.inputs,
            outputs=session.outputs,
            requirement=built.requirement,
            verification=verification,
            benchmark=benchmark,
            effective=built.effective,
            degraded=built.degraded,
            samples=file_ref(workspace / "output" / samples, samples) if samples else None,
            values=file_ref(workspace / "output" / VALUES_FILE, VALUES_FILE) if verification.values else None,
            learned=built.learned,
        )


def _not_run(work: BuildWork, workspace: Path, built: BuiltEngine, reason: str) -> ChildResult:
    """The result of a build whose engine nothing here can run: neither a verdict nor a time, and why."""
    log.info("not verified and not measured: %s", reason)
    known = work.reuse or built
    return ChildResult(
        files=_files(workspace, built, layers_of_network(built, workspace / "output")),
        inputs=known.inputs,
        outputs=known.outputs,
        requirement=built.requirement,
        verification=unjudged(work.verify, reason),
        benchmark=refused(work.benchmark, reason) if work.benchmark.enabled else None,
        effective=built.effective,
        degraded=built.degraded,
        learned=built.learned,
    )


def _with_weights(built: BuiltEngine, work: BuildWork) -> BuiltEngine:
    """The engine; one that was stripped says in which stored files its weights are."""
    if not stripped(work.key.options):
        return built
    weights = {item.name: item.sha256 for item in work.prepared.files}
    return replace(built, effective={**built.effective, "weights": weights})


def _files(workspace: Path, built: BuiltEngine, more: Tuple[str, ...]) -> Tuple[FileRef, ...]:
    return tuple(file_ref(workspace / "output" / name, name) for name in (*built.files, *more))


def _order(work: BuildWork, workspace: Path, progress: Progress) -> BuildOrder:
    calibration = workspace / "input" / CALIBRATION_FILE
    scratch = workspace / "scratch"
    scratch.mkdir(exist_ok=True)
    return BuildOrder(
        model=workspace / "input" / GRAPH_FILE,
        files=tuple(item.name for item in work.prepared.files),
        inputs=work.prepared.inputs,
        options=work.key.options,
        target=work.key.target,
        calibration=calibration if work.key.options.calibration else None,
        output=workspace / "output",
        scratch=scratch,
        timing=_timing(work, workspace),
        progress=progress,
    )


def _timing(work: BuildWork, workspace: Path) -> Optional[TimingOrder]:
    asked, given = work.timing_cache, workspace / "input" / TIMING_CACHE_FILE
    if asked is None:
        return None
    there = asked.sha256 is not None and given.exists()
    return TimingOrder(given if there else None, asked.sha256 if there else None, asked.use is TimingCacheUse.CERTIFIED)


def _inputs(work: BuildWork, workspace: Path) -> Optional[Dict[str, Any]]:
    if work.prepared.reference_inputs is None:
        return None
    return load_arrays(workspace / "input" / INPUTS_FILE)


def _verify(
    work: BuildWork, workspace: Path, held: Witness, session: Session, inputs: Optional[Dict[str, Any]]
) -> VerificationReport:
    if inputs is None:
        return unjudged(work.verify, "the preparation has no reference inputs")
    if held.references is None and work.verify.enabled:
        return unjudged(work.verify, held.told_by)
    keep_values = (workspace / "output" / VALUES_FILE).write_bytes
    precision = work.key.options.precision
    try:
        report = verify(session, inputs, held.references, work.verify, precision, held.told_by, keep_values)
    except Invalid as error:
        # The policy was checked before the build: what is left is an engine that refuses the inputs of its model.
        raise BuildFailed(f"the engine does not run the reference inputs: {error.message}", error.hint) from error
    for output in report.outputs:
        log.info("output %s: %s%s", output.name, output.verdict, f", {output.reason}" if output.reason else "")
    return replace(report, inputs=work.prepared.reference_inputs)


def _measure(
    work: BuildWork,
    workspace: Path,
    session: Session,
    inputs: Optional[Dict[str, Any]],
    verification: VerificationReport,
    enter: Enter,
) -> Tuple[Optional[BenchmarkReport], Optional[str], List[Dict[str, Any]]]:
    """The report, the file with all samples, and every layer with its time."""
    if verification.verdict is Verdict.FAILED or not work.benchmark.enabled:
        return None, None, []
    enter(State.BENCHMARKING, "")
    if inputs is None:
        return refused(work.benchmark, "the preparation has no reference inputs"), None, []
    timed: List[Dict[str, Any]] = []
    keep_samples = (workspace / "output" / SAMPLES_FILE).write_bytes
    locked = partial(await_answer, workspace, lifeline_descriptor() is not None)
    report = measure(session, inputs, work.benchmark, keep_samples, keep_layers=timed.extend, lock_clocks=locked)
    if report.latency:
        log.info("median %.4f ms, p99 %.4f ms", report.latency.median_ms, report.latency.p99_ms)
    else:
        log.info("no time: %s", report.reason)
    return report, SAMPLES_FILE if report.samples else None, timed
