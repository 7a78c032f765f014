"""The request key: all that changes an engine, known before the build, readable and comparable field by field."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Tuple

from .codec import digest, to_json
from .model import NO_MODEL
from .options import BuildOptions, ReferencePolicy
from .target import BuildTarget


@dataclass(frozen=True)
class StepCall:
    """One named graph step with its parameters."""

    name: str
    parameters: Dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PreparationRecipe:
    """How a model becomes the graph that devices get: steps in order, and the versions of the tools that run them."""

    steps: Tuple[StepCall, ...]
    tools: Dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PreparationKey:
    """Names a preparation: equal keys give the same prepared graph and references."""

    model: str
    recipe: PreparationRecipe
    reference: ReferencePolicy

    @property
    def digest(self) -> str:
        """The identity of the preparation."""
        return digest(self)


@dataclass(frozen=True)
class RequestKey:
    """Names an engine before it is built. Verification and measurement are not in it: they are rows of their own.

    Attributes:
        model: Digest of the model.
        plugins: Plugin name to the digest of its source with `common/`.
        timing_cache: `shared` whatever that cache holds, `certified:` with the digest of a pinned one, or `none`.
    """

    model: str
    recipe: PreparationRecipe
    options: BuildOptions
    target: BuildTarget
    plugins: Dict[str, str] = field(default_factory=dict)
    timing_cache: str = "none"

    @property
    def only_compiles(self) -> bool:
        """There is no model: libraries of its plugins are made for its target, and no engine."""
        return self.model == NO_MODEL.digest

    @property
    def digest(self) -> str:
        """The key itself: sha256 of the canonical JSON of all fields."""
        return digest(self)


@dataclass(frozen=True)
class Difference:
    """One field that two keys do not share; the values are canonical JSON, None where absent."""

    path: str
    left: Any
    right: Any


def differences(left: Any, right: Any) -> Tuple[Difference, ...]:
    """The leaves in which two values of the protocol (or their JSON) differ, in the order of their paths."""
    found: List[Difference] = []
    _walk("", to_json(left), to_json(right), found)
    return tuple(found)


def _walk(path: str, left: Any, right: Any, found: List[Difference]) -> None:
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(set(left) | set(right)):
            _walk(f"{path}.{key}" if path else key, left.get(key), right.get(key), found)
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for index, (one, other) in enumerate(zip(left, right)):
            _walk(f"{path}[{index}]", one, other, found)
    elif left != right or type(left) is not type(right):
        found.append(Difference(path, left, right))
