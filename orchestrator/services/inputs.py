"""What a submission says about inputs, held against what a preparation of the same model has found."""

from __future__ import annotations

from farm.protocol.engine import TensorSpec
from farm.protocol.inputs import DeclaredInput, check_inputs, says_anything
from farm.protocol.steps import changes_interface
from farm.protocol.submit import SubmitAsk
from orchestrator.store import preparations
from orchestrator.store.database import Connection


def check_known_inputs(connection: Connection, ask: SubmitAsk) -> None:
    """Refuse a name or shape that fits no input. A model that was never prepared passes: its preparation will tell.

    Raises: Invalid: the hint lists the inputs.
    """
    if changes_interface(ask.steps) or not says_anything(ask.options, ask.reference):
        return
    found = preparations.inputs_of(connection, ask.manifest.digest)
    if found:
        check_inputs([_declared(spec) for spec in found], ask.options, ask.reference)


def _declared(spec: TensorSpec) -> DeclaredInput:
    # A graph that does not say how many axes there are is stored like one without any.
    return DeclaredInput(spec.name, spec.shape or None)
