"""`farm check`, `bench` and `verify`: a fetched engine on this machine, without a coordinator."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List, Tuple

import click

from farm.protocol.errors import Invalid
from farm.protocol.exits import Exit
from farm.protocol.options import BenchmarkPolicy, VerifyPolicy
from farm.protocol.report import BenchmarkReport, Verdict, VerificationReport
from farm.protocol.requirement import TIERS, EngineRequirement, Fit, Tier, fit

from ..arrays import inputs_for, wanted, with_inputs
from ..ask import benchmark_policy, verify_policy
from ..build_options import MEASURE_OPTIONS, VERIFY_OPTIONS, with_options
from ..clocks import clocks_of_this_machine
from ..console import emit_fields, emit_json, emit_table, out, say
from ..context import Connection
from ..engine_text import LAYER_COLUMNS, VERIFICATION_COLUMNS, layer_rows, layers_of, verdict_text, verification_rows
from ..facts_source import device_option, facts_of
from ..format import CellLike, ms, rate
from ..options import json_option, option, verb

_folder = click.argument("folder", metavar="ENGINE_DIR", type=click.Path())


@verb()
@_folder
@device_option
@option(
    "--allow",
    type=click.Choice([str(item) for item in Tier]),
    default=str(Tier.SAME_MODEL),
    show_default=True,
    help="The worst fit to accept.",
)
@json_option
@click.pass_obj
def check(connection: Connection, folder: str, device: str, allow: str, as_json: bool) -> int:
    """Tell whether a fetched engine is whole and fits this device; exit code 4 if it does not fit."""
    from farm.backends.tensorrt.combinations import stripped
    from farm.runtime.bundle import check_bytes, read_manifest

    manifest = read_manifest(Path(folder))
    for item in manifest.files:
        check_bytes(Path(folder), item)
    found = _allowed(fit(manifest.requirement, facts_of(connection, device)), Tier(allow))
    denied = _denied(Path(folder) / manifest.files[0].name, manifest.requirement)
    for reason in filter(None, (denied, stripped(manifest.key.options))):
        found = Fit(None, (*found.refusals, reason))
    if as_json:
        emit_json(
            {"fits": found.fits, "tier": found.tier, "reasons": list(found.refusals), "name": manifest.model_name}
        )
    elif found.fits:
        out(f"{manifest.model_name} fits ({found.tier})")
    else:
        out(f"{manifest.model_name} does not fit")
        for refusal in found.refusals:
            out(f"  {refusal}")
    return Exit.DONE if found.fits else Exit.NO_ENGINE


@verb()
@_folder
@with_inputs
@with_options(MEASURE_OPTIONS)
@json_option
@click.pass_obj
def bench(connection: Connection, /, folder: str, as_json: bool, **given: Any) -> int:
    """Measure a fetched engine on this device, by the farm's own protocol; exit code 5 if it is too noisy."""
    from farm.runtime import measure, open_engine

    policy = benchmark_policy(given, BenchmarkPolicy())
    with open_engine(folder) as engine, clocks_of_this_machine(connection.settings(), policy) as lock:
        say(f"measuring for {policy.duration_s:g} s after {policy.warmup_ms:g} ms of warm-up")
        report = measure(engine, inputs_for(engine, wanted(given)), policy, lock_clocks=lock)
    if as_json:
        emit_json(report)
    else:
        _emit_benchmark(report)
    return Exit.TOO_NOISY if report.noisy else Exit.DONE


@verb()
@_folder
@with_inputs
@option("--loadRefOutputs", type=click.Path(), metavar="FILE.npz", required=True, help="Reference outputs.")
@with_options(VERIFY_OPTIONS)
@json_option
def verify(folder: str, load_ref_outputs: str, as_json: bool, **given: Any) -> int:
    """Compare a fetched engine with reference outputs; exit code 3 if it is wrong."""
    from farm.runtime import load_arrays, open_engine
    from farm.runtime.bundle import read_manifest
    from farm.runtime.verify.run import verify as judge

    if not given["load_inputs"]:
        raise Invalid("reference outputs belong to inputs", "Give those with --loadInputs.")
    policy = verify_policy(given, VerifyPolicy())
    precision = read_manifest(Path(folder)).key.options.precision
    with open_engine(folder) as engine:
        inputs, references = inputs_for(engine, wanted(given)), load_arrays(Path(load_ref_outputs))
        report = judge(engine, inputs, references, policy, precision, Path(load_ref_outputs).name)
    if as_json:
        emit_json(report)
    else:
        _emit_verification(report)
    return Exit.NUMERICS_FAILED if report.verdict is Verdict.FAILED else Exit.DONE


def _denied(engine: Path, requirement: EngineRequirement) -> str:
    """What the engine says of itself that its manifest denies; only a plan of TensorRT says anything."""
    from farm.backends.tensorrt.header import HEADER_BYTES, contradiction, read_header

    with engine.open("rb") as stream:
        header = read_header(stream.read(HEADER_BYTES))
    return contradiction(header, requirement) if header else ""


def _allowed(found: Fit, worst: Tier) -> Fit:
    if found.tier is None or TIERS.index(found.tier) <= TIERS.index(worst):
        return found
    return Fit(None, (f"fits only as {found.tier}; accept that with --allow {found.tier}",))


def _emit_benchmark(report: BenchmarkReport) -> None:
    spread = f"cv {report.cv_percent:.2f} % of {report.iterations:,} runs, attempt {report.attempts}"
    latency = report.latency
    fields: List[Tuple[str, CellLike]] = [("too noisy", report.reason)] if latency is None else []
    if latency is not None:
        fields = [
            ("p50", ms(latency.median_ms)),
            ("p90", ms(latency.p90_ms)),
            ("p95", ms(latency.p95_ms)),
            ("p99", ms(latency.p99_ms)),
            ("mean", ms(latency.mean_ms)),
            *((name, f"p50 {ms(found.median_ms)}, p99 {ms(found.p99_ms)}") for name, found in report.phases.items()),
            ("throughput", rate(report.throughput_per_s)),
        ]
    emit_fields([*fields, ("spread", spread), ("protocol", report.protocol)])
    layers = layer_rows(layers_of(report))
    if layers:
        out()
        emit_table(LAYER_COLUMNS, layers)


def _emit_verification(report: VerificationReport) -> None:
    emit_fields([("verdict", verdict_text(report))])
    out()
    emit_table(VERIFICATION_COLUMNS, verification_rows(report))
