"""From the options of a command line to what is asked of the coordinator."""

from __future__ import annotations

from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional, Sequence, Tuple

from farm.protocol.errors import Invalid
from farm.protocol.options import (
    BenchmarkPolicy,
    BuildOptions,
    ClockLock,
    Precision,
    ReferencePolicy,
    Statistic,
    VerifyBy,
    VerifyPolicy,
)
from farm.protocol.shapes import Shapes, parse_shapes, profile_from_shapes
from farm.protocol.timing import TimingCacheUse

from .build_options import PRECISION_FLAGS
from .words import comparators, number_range, pairs, plain_json, split_names, split_targets, tolerances

if TYPE_CHECKING:
    from farm.client import FarmClient, LocalAsk, Progress, SubmitOptions
    from farm.protocol.submit import SubmitAsk

Given = Mapping[str, Any]


def local_ask(client: FarmClient, given: Given, progress: Optional[Progress] = None) -> LocalAsk:
    """What `submit` and `plan` send for these options; hashes the files they name.

    With `--clone` everything not given is as it was: the model, the targets and all options.

    Raises: Invalid: an option cannot be right, or model or targets lack.
    """
    from farm.client import SubmitOptions, make_ask

    earlier = client.ask(given["clone"]) if given["clone"] else None
    targets = split_targets(given["targets"]) or (earlier.targets if earlier else ())
    if not targets:
        raise Invalid("no targets are given", "Add --targets cpu, or --targets all; farm targets lists the words.")
    source: Any = given["model"]
    options = options_of(earlier) if earlier else SubmitOptions()
    if source:
        options = replace(options, name=None)
    elif earlier:
        source = earlier.model
    else:
        raise Invalid("no model is given", "Name an ONNX file, or an earlier submission with --clone.")
    return make_ask(source, targets, submit_options(given, options), progress)


def options_of(ask: SubmitAsk) -> SubmitOptions:
    """The options of an earlier submission; its tags are its own, but for those a person gave."""
    from farm.client import SubmitOptions

    return SubmitOptions(
        name=ask.name,
        build=ask.options,
        reference=ask.reference,
        verify=ask.verify,
        benchmark=ask.benchmark,
        steps=ask.steps,
        priority=ask.priority,
        tags={key: value for key, value in ask.tags.items() if key != "retry-of"},
        accept_degraded=ask.accept_degraded,
        timing_cache=ask.timing_cache,
        plugins=ask.plugins,
    )


def submit_options(given: Given, base: SubmitOptions) -> SubmitOptions:
    """The options with everything that was given put over a base.

    Raises: Invalid
    """
    steps = base.steps
    if given["steps"] is not None:
        steps = () if given["steps"] == "none" else split_names([given["steps"]])
    return replace(
        base,
        name=given["name"] or base.name,
        build=build_options(given, base.build),
        reference=reference_policy(given, base.reference),
        verify=verify_policy(given, base.verify),
        benchmark=benchmark_policy(given, base.benchmark),
        steps=steps,
        priority=base.priority if given["priority"] is None else given["priority"],
        tags={**base.tags, **pairs("--tag", given["tags"], str)},
        force=given["force"],
        accept_degraded=given["accept_degraded"] or base.accept_degraded,
        timing_cache=TimingCacheUse(given["timing_cache"]) if given["timing_cache"] else base.timing_cache,
        plugins=tuple(split_names(given["plugins"])) or base.plugins,
        calibration=given["calib"],
        inputs=given["load_inputs"],
        outputs=given["load_ref_outputs"],
    )


def build_options(given: Given, base: BuildOptions) -> BuildOptions:
    """Precision, profiles and options of the backend.

    Raises: Invalid: shapes that cannot be read, or do not make a profile.
    """
    ranged = [given[name] for name in ("min_shapes", "opt_shapes", "max_shapes")]
    profiles = base.profiles
    if any(ranged):
        profiles = tuple(
            profile_from_shapes(*(parse_shapes(text) if text else None for text in texts))
            for texts in zip_longest(*ranged)
        )
    elif given["shapes"]:
        profiles = (profile_from_shapes(None, parse_shapes(given["shapes"]), None),)
    return replace(
        base,
        precision=_precision(given) or base.precision,
        profiles=profiles,
        backend_options={**base.backend_options, **pairs("--option", given["backend_options"], plain_json)},
    )


def _precision(given: Given) -> Optional[Precision]:
    """What `--precision` or a flag of trtexec's asks for; one word, since two are not a mixture.

    Raises: Invalid: they ask for two.
    """
    flags = [word for word in PRECISION_FLAGS if given[word]]
    told = dict.fromkeys([*([given["precision"]] if given["precision"] else []), *flags])
    if len(told) > 1:
        both = " and ".join(told)
        raise Invalid(f"{both} are two precisions", "Give one; --precision mix lets the builder choose for each layer.")
    return Precision(next(iter(told))) if told else None


def reference_policy(given: Given, base: ReferencePolicy) -> ReferencePolicy:
    """How reference inputs come to be.

    Raises: Invalid
    """
    ranged = any(given[name] for name in ("min_shapes", "opt_shapes", "max_shapes"))
    shapes: Shapes = parse_shapes(given["shapes"]) if given["shapes"] and ranged else {}
    ranges: Dict[str, Tuple[float, ...]] = dict(pairs("--range", given["ranges"], number_range, "name=0,1"))
    return replace(
        base,
        seed=base.seed if given["seed"] is None else given["seed"],
        values={**base.values, **pairs("--value", given["values"], float)},
        ranges={**base.ranges, **ranges},
        shapes={**base.shapes, **shapes},
    )


def verify_policy(given: Given, base: VerifyPolicy) -> VerifyPolicy:
    """When an engine counts as right.

    Raises: Invalid
    """
    stat: Optional[str] = given["check_error_stat"]
    by: Optional[str] = given.get("verify_by")
    return replace(
        base,
        atol={**base.atol, **tolerances("--atol", given["atol"])},
        rtol={**base.rtol, **tolerances("--rtol", given["rtol"])},
        statistic=Statistic(stat) if stat else base.statistic,
        comparators={**base.comparators, **comparators(given["compare"])},
        enabled=base.enabled and not given.get("no_verify"),
        by=VerifyBy(by) if by else base.by,
    )


def benchmark_policy(given: Given, base: BenchmarkPolicy) -> BenchmarkPolicy:
    """How an engine is measured."""
    fields: Sequence[Tuple[str, str]] = (
        ("warmup_ms", "warm_up"),
        ("duration_s", "duration"),
        ("iterations", "iterations"),
        ("max_cv_percent", "max_cv"),
        ("streams", "inf_streams"),
    )
    told = {field: given[name] for field, name in fields if given[name] is not None}
    return replace(
        base,
        **told,
        enabled=base.enabled and not given.get("no_bench"),
        cuda_graph=base.cuda_graph or bool(given["use_cuda_graph"]),
        spin_wait=base.spin_wait or bool(given["use_spin_wait"]),
        lock_clocks=ClockLock(given["lock_clocks"]) if given["lock_clocks"] else base.lock_clocks,
    )
