"""What one request orders: the key of its engine, how it is prepared, and how it is to be proven."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from farm.protocol.codec import digest
from farm.protocol.keys import PreparationKey, PreparationRecipe, RequestKey
from farm.protocol.options import BenchmarkPolicy, VerifyPolicy
from farm.protocol.submit import SubmitAsk
from farm.protocol.target import BuildTarget
from orchestrator.rules.hits import Wanted
from orchestrator.rules.references import preparation_key


@dataclass(frozen=True)
class Order:
    """One target of a submission, resolved.

    Attributes:
        problems: Why it cannot be built, one sentence each.
        operators: What of the prepared graph takes a plugin; None until it is prepared, and the key may change then.
    """

    model_name: str
    key: RequestKey
    preparation: PreparationKey
    wanted: Wanted
    priority: int
    force: bool
    problems: tuple[str, ...] = ()
    operators: tuple[str, ...] | None = None

    @property
    def target(self) -> BuildTarget:
        """What it is built for."""
        return self.key.target

    @property
    def proof(self) -> str:
        """The digest of the key with both policies: names a re-verification."""
        return digest({"key": self.key.digest, "verify": self.wanted.verify_digest, "measure": self.measure})

    @property
    def measure(self) -> str:
        """The digest of the benchmark policy."""
        return self.wanted.benchmark_digest


def order(
    ask: SubmitAsk,
    recipe: PreparationRecipe,
    target: BuildTarget,
    plugins: Mapping[str, str],
    timing_cache: str = "none",
    problems: tuple[str, ...] = (),
    operators: tuple[str, ...] | None = None,
) -> Order:
    """What this submission orders for one target; `plugins` and `timing_cache` are those of its key."""
    preparation = preparation_key(ask, recipe)
    return Order(
        model_name=ask.name,
        key=RequestKey(preparation.model, recipe, ask.options, target, dict(plugins), timing_cache),
        preparation=preparation,
        wanted=wanted(ask, preparation.digest),
        priority=ask.priority,
        force=ask.force,
        problems=problems,
        operators=operators,
    )


def wanted(ask: SubmitAsk, preparation_digest: str) -> Wanted:
    """How a submission wants its engines proven."""
    return Wanted(
        verify=ask.verify,
        verify_digest=verify_digest(ask.verify, preparation_digest),
        benchmark=ask.benchmark,
        benchmark_digest=measure_digest(ask.benchmark),
        accept_degraded=ask.accept_degraded,
    )


def verify_digest(policy: VerifyPolicy, preparation_digest: str) -> str:
    """Names a verification: its policy and the references it was held against."""
    return digest({"policy": policy, "preparation": preparation_digest})


@lru_cache(maxsize=512)
def measure_digest(policy: BenchmarkPolicy) -> str:
    """Names a measurement by its policy."""
    return digest(policy)
