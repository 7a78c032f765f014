"""The command line with which trtexec runs an engine, by version."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, List, Mapping, Sequence, Tuple

from farm.backends.tensorrt.capabilities import TensorRtCapabilities
from farm.backends.tensorrt.switches import has, switch
from farm.protocol.options import BenchmarkPolicy
from farm.protocol.shapes import format_shapes

# One inference, with nothing before it: to see what it gives, not how long it takes.
ONE = BenchmarkPolicy(warmup_ms=0, iterations=1, duration_s=0)
_NOTHING: Mapping[str, Any] = MappingProxyType({})


def run_arguments(
    can: TensorRtCapabilities,
    plan: str,
    inputs: Mapping[str, str],
    shapes: Mapping[str, Tuple[int, ...]],
    policy: BenchmarkPolicy = ONE,
    options: Mapping[str, Any] = _NOTHING,
) -> Tuple[str, ...]:
    """Arguments that run an engine; what the versions do unless told otherwise is told.

    Args:
        can: Of the version of the program.
        plan: Its file.
        inputs: Input name to file of its bytes.
        shapes: Of each input with an open axis.
        policy: How often, and how it is put to the GPU.
        options: That it was built with, since a plan may need some of them again.

    Raises: Unsupported: this version lacks an option.
    """
    found = [*_load(can, plan, options), switch("loadInputs", can, _pairs(inputs))]
    if shapes:
        found.append(switch("shapes", can, format_shapes(dict(shapes))))
    found += _measuring(can, policy)
    return tuple(found)


def load_arguments(can: TensorRtCapabilities, plan: str, options: Mapping[str, Any] = _NOTHING) -> Tuple[str, ...]:
    """Arguments that load an engine and do not run it; as `run_arguments`."""
    return (*_load(can, plan, options), switch("skipInference" if has("skipInference", can) else "buildOnly", can))


def _load(can: TensorRtCapabilities, plan: str, options: Mapping[str, Any]) -> List[str]:
    found = [switch("loadEngine", can, plan)]
    if "useDLACore" in options:
        found.append(switch("useDLACore", can, options["useDLACore"]))
    if options.get("versionCompatible"):
        # Such a plan brings the runtime it was built with, as code of the host.
        found.append(switch("versionCompatible", can))
    return found


def _measuring(can: TensorRtCapabilities, policy: BenchmarkPolicy) -> List[str]:
    found = [
        switch("warmUp", can, round(policy.warmup_ms)),
        switch("iterations", can, policy.iterations),
        switch("duration", can, f"{policy.duration_s:g}"),
        switch("infStreams" if has("infStreams", can) else "streams", can, policy.streams),
    ]
    # From 11 on arrays stay on the GPU, and both others are on, unless somebody says so.
    if has("includeDataTransfers", can):
        found.append(switch("includeDataTransfers", can))
    found += _either(can, policy.cuda_graph, "useCudaGraph", "noCudaGraph")
    found += _either(can, policy.spin_wait, "useSpinWait", "noSpinWait")
    return found


def _either(can: TensorRtCapabilities, wanted: bool, use: str, no: str) -> Sequence[str]:
    """The option that switches something on where a version has it off, or off where it has it on."""
    if has(use, can):
        return (switch(use, can),) if wanted else ()
    return () if wanted else (switch(no, can),)


def _pairs(inputs: Mapping[str, str]) -> str:
    return ",".join(f"{name}:{file}" for name, file in inputs.items())
