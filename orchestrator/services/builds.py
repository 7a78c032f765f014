"""Publishes engines: one transaction, after all blobs are there; before it nothing is visible, after it everything."""

from __future__ import annotations

from dataclasses import replace

from farm import __version__
from farm.protocol.codec import digest, dumps
from farm.protocol.engine import EngineManifest
from farm.protocol.errors import Conflict, Invalid, LeaseLost
from farm.protocol.model import check_digest, check_relative
from farm.protocol.options import Precision
from farm.protocol.plugins import LIBRARY_FOLDER, library_name
from farm.protocol.report import Failure, FailureKind, Verdict
from farm.protocol.states import AttemptEnd, State
from farm.protocol.target import CPU_BACKENDS
from farm.protocol.work import BuildResult
from orchestrator.rules.plausible import contradictions
from orchestrator.rules.timing_saved import with_estimate
from orchestrator.store import attempts, builds, devices, evidence, preparations
from orchestrator.store.builds import BuildRow
from orchestrator.store.database import Connection
from orchestrator.store.evidence import EngineRow

from .caller import Caller
from .clock import iso
from .context import Context
from .ids import new_id
from .leases import Held, count_stages, hold
from .orders import measure_digest, verify_digest
from .published import Published
from .settling import end_build
from .transaction import Transaction


def publish(context: Context, caller: Caller, attempt_id: str, result: BuildResult) -> Published:
    """Make an engine visible with its verification and measurement; a wrong one is kept and never handed out.

    A repeat of the same result under the same lease answers the same.

    Raises:
        LeaseLost: The lease is not held, or its build was cancelled.
        Conflict: Blobs are not stored (`details.missing`).
        Invalid: The result contradicts the build.
    """
    for item in result.files:
        check_relative(item.name)
    missing = [sha256 for sha256 in sorted(_blobs(result)) if not context.blobs.keep(check_digest(sha256))]
    if missing:
        raise Conflict(f"{len(missing)} blobs are not stored yet", "Upload them, then publish again.", missing=missing)
    published = context.atomically(lambda transaction: _publish(transaction, caller, attempt_id, result))
    if published is None:
        raise LeaseLost(f"the build of {attempt_id} was cancelled", "Claim again.")
    return published


def _publish(transaction: Transaction, caller: Caller, attempt_id: str, result: BuildResult) -> Published | None:
    connection = transaction.connection
    named = digest(result)
    earlier = attempts.by_id(connection, attempt_id, lock=True)
    if earlier and earlier.result_digest == named and attempts.device_of(connection, attempt_id) == caller.device:
        return _published_before(connection, earlier.build_id or "")
    held = hold(transaction, caller, attempt_id, result.token)
    build = held.build
    if build is None:
        raise Conflict(f"{attempt_id} is a lease on a preparation", "Report it as prepared.")
    if not held.is_wanted:
        attempts.end(connection, attempt_id, AttemptEnd.CANCELLED, transaction.at, result.child_ms)
        return None
    _check(build, result)
    engine_id = _store(transaction, caller, held, build, result)
    attempts.end(connection, attempt_id, AttemptEnd.PUBLISHED, transaction.at, result.child_ms, result_digest=named)
    devices.change(connection, held.attempt.device_id, lost_leases=0)
    count_stages(transaction, "build", held.attempt)
    state = State.QUARANTINED if result.verification.verdict is Verdict.FAILED else State.DONE
    end_build(transaction, build, state, _wrong(build, result) if state is State.QUARANTINED else None, engine_id)
    return Published(engine_id, state)


def _published_before(connection: Connection, build_id: str) -> Published:
    row = builds.by_id(connection, build_id)
    if row is None or row.engine_id is None:
        raise LeaseLost(f"the build {build_id} has no engine any more", "Claim again.")
    return Published(row.engine_id, row.state)


def _check(build: BuildRow, result: BuildResult) -> None:
    key = build.request_key
    # Of an engine that was there before only the new proof is stored; its requirement stays what it was.
    wrong = [] if build.reuse_engine_id else list(contradictions(result.requirement, key.target))
    if result.verification.policy != build.verify_policy:
        wrong.append("it was verified under another policy than the build asks for")
    if result.benchmark and result.benchmark.policy != build.benchmark_policy:
        wrong.append("it was measured under another policy than the build asks for")
    if result.benchmark and result.verification.verdict is Verdict.FAILED:
        wrong.append("a wrong engine was measured")
    if not result.files and build.reuse_engine_id is None:
        wrong.append("it has no file")
    if build.only_compiles:
        wrong.append("it has an engine, and only plugins were to be compiled")
    if build.reuse_engine_id is None:
        there = {item.name for item in result.files}
        lacking = [name for name in key.plugins if f"{LIBRARY_FOLDER}/{library_name(name)}" not in there]
        wrong += [f"it lacks the library of the plugin {name}" for name in sorted(lacking)]
    if wrong:
        raise Invalid(f"the result of {build.id} is refused: {'; '.join(wrong)}", "Is the worker's version the farm's?")


def _store(transaction: Transaction, caller: Caller, held: Held, build: BuildRow, result: BuildResult) -> str:
    """Write the rows of the engine, unless it is there, and of its proof."""
    connection = transaction.connection
    if build.reuse_engine_id:
        engine_id = build.reuse_engine_id
        for sha256 in sorted(_proof(result)):
            evidence.keep_blob(connection, engine_id, sha256)
    else:
        row = _estimated(connection, _engine(transaction, caller, held, build, result))
        engine_id = row.id
        evidence.add_engine(connection, row, _blobs(result))
        transaction.emit("engine", build=build.id, data={"engine": engine_id, "quarantined": row.quarantined})
    preparation = preparations.by_id(connection, build.preparation_id)
    about = {"engine_id": engine_id, "device_id": held.attempt.device_id, "created_at": transaction.at}
    policy = verify_digest(build.verify_policy, preparation.key if preparation else "")
    evidence.add_verification(connection, {"id": new_id("ver"), "policy": policy, **about}, result.verification)
    if result.benchmark:
        measured = {"id": new_id("ben"), "policy": measure_digest(build.benchmark_policy), **about}
        evidence.add_benchmark(connection, measured, result.benchmark)
    return engine_id


def _engine(transaction: Transaction, caller: Caller, held: Held, build: BuildRow, result: BuildResult) -> EngineRow:
    key = build.request_key
    gpu = key.target.gpu
    preparation = preparations.by_id(transaction.connection, build.preparation_id)
    prepared = preparation.result if preparation else None
    manifest = EngineManifest(
        model_name=build.model_name,
        model=build.model,
        key=key,
        requirement=result.requirement,
        files=result.files,
        inputs=result.inputs,
        outputs=result.outputs,
        effective=result.effective,
        degraded=result.degraded,
        built_on=caller.device or "",
        built_at=iso(transaction.at),
        farm_version=__version__,
        detection=prepared.detection if prepared else None,
    )
    return EngineRow(
        id=new_id("eng"),
        key=build.key,
        model=build.model,
        model_name=build.model_name,
        build_id=build.id,
        device_id=held.attempt.device_id,
        label=build.label,
        gpu=key.target.card,
        compute_capability=gpu.compute_capability if gpu else "",
        backend=key.target.backend,
        backend_version=key.target.backend_version,
        platform=key.target.platform,
        precision=build.precision,
        requirement=dumps(result.requirement),
        manifest=dumps(manifest),
        size_bytes=sum(item.size_bytes for item in result.files),
        degraded=result.degraded,
        quarantined=result.verification.verdict is Verdict.FAILED,
        created_at=transaction.at,
    )


def _estimated(connection: Connection, row: EngineRow) -> EngineRow:
    """The row, with what its timing cache saved in its manifest."""
    manifest = row.described
    if "timing_cache" not in manifest.effective:
        return row
    alike = evidence.alike(connection, row)
    same = ((engine, known.effective) for engine, known in alike if known.key.options == manifest.key.options)
    return replace(row, manifest=dumps(replace(manifest, effective=with_estimate(manifest.effective, same))))


def _blobs(result: BuildResult) -> frozenset[str]:
    return frozenset(item.sha256 for item in result.files) | _proof(result)


def _proof(result: BuildResult) -> frozenset[str]:
    """What beside the reports is kept with an engine: every sample of its measurement, some values of its outputs."""
    told = (result.benchmark.samples if result.benchmark else None, result.verification.values)
    return frozenset(filter(None, told))


# What overflows in half precision, or was calibrated with too little, is the likeliest reason of wrong numbers.
_KINDER = {
    **dict.fromkeys(
        (Precision.FP16, Precision.BF16, Precision.BEST), "Try --precision mix: it keeps what overflows in float32. "
    ),
    **dict.fromkeys((Precision.INT8, Precision.FP8), "Try more samples with --calib, or --precision mix. "),
}


def _wrong(build: BuildRow, result: BuildResult) -> Failure:
    told = result.verification.reason or next(
        (f"output {item.name!r}: {item.reason}" for item in result.verification.outputs if item.verdict == "failed"),
        "outputs are outside their tolerance",
    )
    key = build.request_key
    hint = "" if key.target.backend in CPU_BACKENDS else _KINDER.get(key.options.precision, "")
    return Failure(
        FailureKind.FAILED, State.VERIFYING, told, f"{hint}`farm compare` shows where; loosen --atol, --rtol if it may."
    )
