"""Drift: what devices gave for the same inputs of one model, held against each other."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from farm.protocol.errors import FarmError, NotFound
from farm.protocol.options import Comparator, Precision
from farm.protocol.report import OutputVerification, Verdict, VerificationReport
from farm.protocol.samples import unpack
from orchestrator.rules.drift import Drift, Given
from orchestrator.rules.drift import drift as between
from orchestrator.store import catalog, proofs
from orchestrator.store.proofs import Proof

from .blob_port import BlobStore
from .clock import iso
from .context import Context

_MOST_DEVICES = 12
_MOST_VALUES = 1 << 20


@dataclass(frozen=True)
class Side:
    """An engine on the device where it was verified.

    Attributes:
        error: Largest difference of any output from its reference.
    """

    engine: str
    device: str
    label: str
    precision: str
    verdict: Verdict
    verified_at: str
    error: float | None


@dataclass(frozen=True)
class OutputDrift:
    """One output, over all sides of its group."""

    name: str
    shape: tuple[int, ...]
    drift: Drift


@dataclass(frozen=True)
class Group:
    """Engines that ran the same inputs.

    Attributes:
        inputs: Digest of them.
    """

    inputs: str
    sides: tuple[Side, ...]
    outputs: tuple[OutputDrift, ...]


@dataclass(frozen=True)
class ModelDrift:
    """A model on every device.

    Attributes:
        untold: Verifications that kept no values of outputs: there was nothing to hold them against, they are older
            than the keeping of values, or the values are gone.
        hidden: Verifications beyond the newest that are held against each other.
    """

    name: str
    model: str
    groups: tuple[Group, ...]
    untold: tuple[Proof, ...]
    hidden: int


@dataclass(frozen=True)
class _Run:
    proof: Proof
    report: VerificationReport
    values: dict[str, tuple[float, ...]]


def of_model(context: Context, name: str, precision: Precision | None = None) -> ModelDrift:
    """What a name points at now, on every device that verified an engine of it.

    Raises: NotFound
    """
    with context.database.read() as connection:
        digest = catalog.pointed_at(connection, name)
        if digest is None:
            raise NotFound(f"there is no model {name[:80]!r}", "Run farm models.")
        found = proofs.of_model(connection, digest, str(precision) if precision else None)
        shown = found[:_MOST_DEVICES]
        reports = proofs.reports(connection, tuple(item.id for item in shown))
    groups: dict[str, list[_Run]] = defaultdict(list)
    untold = []
    for proof in shown:
        run = _run(context.blobs, proof, reports[proof.id])
        if run is None:
            untold.append(proof)
        else:
            groups[run.report.inputs or ""].append(run)
    told = sorted(groups.items(), key=lambda group: -len(group[1]))
    return ModelDrift(
        name, digest, tuple(_group(*item) for item in told), tuple(untold), max(0, len(found) - _MOST_DEVICES)
    )


def _run(blobs: BlobStore, proof: Proof, report: VerificationReport) -> _Run | None:
    """A verification with the values it kept; None where there are none."""
    if report.values is None or report.inputs is None:
        return None
    try:
        with blobs.open(report.values) as file:
            values = unpack(file.read(), _MOST_VALUES)
    except FarmError:
        return None  # the values are a device's word, and a blob may be lost: the page says that there are none
    kept, first = {}, 0
    for output in report.outputs:
        kept[output.name] = values[first : first + output.values]
        first += output.values
    return _Run(proof, report, kept) if first == len(values) else None


def _group(inputs: str, runs: list[_Run]) -> Group:
    names = dict.fromkeys(output.name for run in runs for output in run.report.outputs)
    return Group(inputs, tuple(map(_side, runs)), tuple(_output(name, runs) for name in names))


def _side(run: _Run) -> Side:
    errors = [item.absolute.maximum for item in run.report.outputs if item.absolute.maximum is not None]
    proof = run.proof
    return Side(
        engine=proof.engine,
        device=proof.device,
        label=proof.label,
        precision=proof.precision,
        verdict=run.report.verdict,
        verified_at=iso(proof.created_at),
        error=max(errors, default=None),
    )


def _output(name: str, runs: list[_Run]) -> OutputDrift:
    found = [next((item for item in run.report.outputs if item.name == name), None) for run in runs]
    there = [item for item in found if item is not None]
    shape = there[0].shape
    if len(there) < len(runs):
        return OutputDrift(name, shape, Drift(reason="not every engine has this output"))
    if any(_unordered(run.report, name) for run in runs):
        return OutputDrift(name, shape, Drift(reason="its values have no order"))
    given = [_given(item, run) for item, run in zip(there, runs, strict=True)]
    return OutputDrift(name, shape, between(given))


def _unordered(report: VerificationReport, name: str) -> bool:
    comparators = report.policy.comparators
    return comparators.get(name, comparators.get("", Comparator.ORDERED)) is not Comparator.ORDERED


def _given(output: OutputVerification, run: _Run) -> Given:
    return Given(output.shape, output.elements, run.values[output.name], output.absolute.maximum, run.proof.policy)
