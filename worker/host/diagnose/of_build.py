"""A failed build of the farm: its model is brought here, prepared again, and looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from farm.client import FarmClient
from farm.protocol.errors import BuildFailed, Invalid, NotFound, Unsupported
from farm.protocol.keys import StepCall
from farm.protocol.report import Failure
from farm.protocol.states import State
from farm.protocol.views import RequestView, SubmissionView

from ..adapt import Adapted, adapt
from .diagnosis import STEP_OF_PRECISION, by_building, by_message, by_values, said
from .finding import Finding
from .probing import Prober

_INPUTS_FILE = "inputs.npz"
_STAGES = (State.BUILDING, State.VERIFYING)
# How many submissions of a model are looked through for the one that asked for a build.
_MOST = 200


class FailedBuild:
    """One build that failed, and what its submission asked for.

    Args:
        client: Of the coordinator.
        build: Id of the build.
        folder: An empty folder for the model.
        tell: Told of each part of the work.

    Raises:
        NotFound: there is none, or nobody asked for it any more.
        Invalid: it did not fail.
        Unsupported: it had no model.
    """

    def __init__(self, client: FarmClient, build: str, folder: Path, tell: Callable[[str], None]) -> None:
        self._client, self._folder, self._tell = client, folder, tell
        view = client.build(build)
        submission, self._request = _asked_for(client, view.model_name, build)
        self._ask = client.ask(submission.id)
        self.failure = view.failure or client.preparation(self._request.preparation).failure
        if self.failure is None:
            raise Invalid(f"{build} is {view.state}, and did not fail", "Give a build that failed: see farm status.")
        if self._ask.model is None:
            raise Unsupported("there is no graph in a build that only compiles plugins", f"See farm logs {build}.")
        self._recipe = client.key(build).key.recipe.steps

    def diagnose(self, probes: bool = True, named: bool = True) -> Finding:
        """What is wrong with it.

        Args:
            probes: Build parts of the graph where nothing else tells.
            named: Believe the backend where it names operators.

        Raises: FarmError: the farm is gone, or a part fails elsewhere.
        """
        failure = self.failure
        if failure is None or failure.stage not in _STAGES:
            return _of_preparation(failure)
        path = self._downloaded()
        with TemporaryDirectory(dir=self._folder) as scratch:
            prepared = self._prepared(path, self._recipe, Path(scratch))
        found = by_message(prepared.model, failure, self._recipe) if named else None
        if found is None and failure.stage is State.VERIFYING:
            found = self._by_values(path)
        if found is None and probes:
            prober = Prober(self._client, self._ask, self._request.target, failure.stage, self._folder, self._tell)
            found = by_building(prepared.model, prober, failure, self._recipe)
        return found or Finding(failure.message, "nothing", remedies=said(failure))

    def _by_values(self, path: Path) -> Finding | None:
        """Where the values of a graph in fewer digits leave float32, if that is what was built."""
        precision = self._ask.options.precision
        if precision not in STEP_OF_PRECISION:
            return None
        wide = [call for call in self._recipe if call.name not in STEP_OF_PRECISION.values()]
        with TemporaryDirectory(dir=self._folder) as scratch:
            prepared = self._prepared(path, wide, Path(scratch))
            if prepared.reference.outputs is None:
                return None
            (Path(scratch) / "drift").mkdir()
            found = by_values(prepared.model, precision, prepared.inputs, Path(scratch) / "drift", wide)
        return found if found.suspects else None

    def _prepared(self, path: Path, calls: tuple[StepCall, ...] | list[StepCall], scratch: Path) -> Adapted:
        policy = self._ask.reference
        given = self._folder / _INPUTS_FILE if policy.inputs else None
        return adapt(path, calls, replace(policy, outputs=None), given, scratch, self._tell)

    def _downloaded(self) -> Path:
        manifest, policy = self._ask.manifest, self._ask.reference
        for item in manifest.files:
            self._tell(f"fetching {item.name}")
            (self._folder / item.name).parent.mkdir(parents=True, exist_ok=True)
            self._client.download_blob(item.sha256, self._folder / item.name, item.size_bytes)
        if policy.inputs:
            self._client.download_blob(policy.inputs, self._folder / _INPUTS_FILE)
        return self._folder / manifest.files[0].name


def _asked_for(client: FarmClient, name: str, build: str) -> tuple[SubmissionView, RequestView]:
    for submission in client.list(name=name, limit=_MOST):
        for request in submission.builds:
            if request.build == build:
                return submission, request
    raise NotFound(f"no submission of {name} asks for {build}", "Submit the model again.")


def _of_preparation(failure: Failure | None) -> Finding:
    """A step, or the model itself: its sentence names what is wrong."""
    if failure is None:
        raise BuildFailed("nothing is known of the failure", "See farm logs.")
    return Finding(failure.message, f"said at {failure.stage}", remedies=said(failure))
