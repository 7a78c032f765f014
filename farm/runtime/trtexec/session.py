"""A session over a plan that trtexec runs: each inference is a run of the program, with files in and out.

It takes seconds, most of them to load the engine: enough to verify one and to try it, no way to serve it.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Callable, ContextManager, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from farm.backends.tensorrt.logger import Sayings
from farm.backends.tensorrt.switches import has, switch
from farm.device.cuda import probe_cuda
from farm.device.machine import Machine
from farm.device.nvml import throttle_reasons
from farm.device.telemetry import sample
from farm.protocol.errors import Invalid, NotFound, Unsupported
from farm.protocol.options import BenchmarkPolicy, BuildOptions
from farm.protocol.report import BenchmarkReport

from ..benchmark.protocol import Samples
from ..inputs import check_inputs
from ..layerfile import LAYERS_FILE
from ..session import Inference, Launch, Place, Session
from ..tensorrt.information import inspected
from ..values import NOTHING, Array, Rest, Value, filled
from .command import ONE, load_arguments, run_arguments
from .exports import OUTPUTS_FILE, PROFILE_FILE, TIMES_FILE, read_printed, read_profile, read_raw, read_times
from .program import Program, program
from .tensors import check_names, read_tensors

log = logging.getLogger(__name__)

NOT_TIMED = (
    "trtexec runs each inference in a process of its own, which nobody else can time; "
    "--option ownBenchmark=true gives the times that it takes itself"
)
_PLAN = "engine.plan"


class TrtexecSession(Session):
    """Runs a plan by a program. Its arrays are of the host, and inferences run one after the other.

    Args:
        path: The plan; `tensors.json` lies beside it.
        options: What it was built with.
        machine: Where the program is; this one by default.
    """

    def __init__(self, path: Path, options: BuildOptions, machine: Optional[Machine] = None) -> None:
        if not path.is_file() or not path.stat().st_size:
            raise NotFound(f"there is no engine in {path}", "Fetch it again.")
        tensors = read_tensors(path)
        check_names((*tensors.inputs, *tensors.outputs))
        self.program: Program = program(tensors.version, machine)
        super().__init__(
            inputs=tensors.inputs,
            outputs=tensors.outputs,
            backend="trtexec",
            backend_version=self.program.can.version,
            concurrent=False,
            ranges=options.profiles,
        )
        self._options: Mapping[str, Any] = options.backend_options
        self._folder = Path(tempfile.mkdtemp(prefix="trtexec-"))
        (self._folder / _PLAN).symlink_to(path.absolute())

    def layers(self, arrays: Mapping[str, Array], runs: int = 10) -> Tuple[Dict[str, Any], ...]:
        """See `Session.layers`."""
        with self._files(check_inputs(arrays, self.inputs, self.ranges)) as folder:
            self._launch(folder, arrays, BenchmarkPolicy(0, runs, 0), [("exportProfile", PROFILE_FILE)])
            timed = read_profile(folder / PROFILE_FILE)
        told = {layer["name"]: layer for layer in self.layer_information()}
        return tuple({**layer, **_kind(told.get(layer["name"], {}))} for layer in timed)

    def layer_information(self) -> Tuple[Dict[str, Any], ...]:
        """See `Session.layer_information`."""
        can = self.program.can
        with self._files({}) as folder:
            arguments = load_arguments(can, _PLAN, self._options)
            arguments += (switch("exportLayerInfo", can, LAYERS_FILE),)
            how = self.program.run(arguments, folder, Sayings())
            text = folder / LAYERS_FILE
            if how is not None or not text.is_file():
                log.warning("trtexec %s tells no layers: %s", can.version, how or "it wrote no file")
                return ()
            return inspected(text.read_text("utf-8", "replace"))

    def evidence(self) -> Dict[str, Any]:
        """See `Session.evidence`."""
        figures = sample(None, self._cards)
        return {"gpu": figures, "gpu_throttle_reasons": throttle_reasons(figures)}

    @cached_property
    def _cards(self) -> Tuple[str, ...]:
        # Asked for once: the driver answers in a process of its own.
        return tuple(gpu.uuid for gpu in probe_cuda(Machine()).gpus[:1] if gpu.uuid)

    def measure_itself(
        self, arrays: Mapping[str, Array], policy: BenchmarkPolicy, keep_samples: Optional[Callable[[bytes], object]]
    ) -> Optional[BenchmarkReport]:
        """See `Session.measure_itself`: its own times where they were asked for, else none."""
        from ..benchmark.measure import refused
        from .benchmark import measured

        if not self._options.get("ownBenchmark"):
            return refused(policy, NOT_TIMED)
        return measured(self, arrays, policy, keep_samples)

    def times(self, arrays: Mapping[str, Array], policy: BenchmarkPolicy) -> Samples:
        """What the program itself times of inferences, put to the GPU as the policy says.

        Raises: Invalid: the inputs do not fit. BuildFailed: it cannot run the engine.
        """
        with self._files(check_inputs(arrays, self.inputs, self.ranges)) as folder:
            self._launch(folder, arrays, policy, [("exportTimes", TIMES_FILE)])
            return read_times(folder / TIMES_FILE)

    def told(self, policy: BenchmarkPolicy) -> str:
        """The arguments of `times`, without names of files."""
        spelled = run_arguments(self.program.can, _PLAN, {}, {}, policy, self._options)
        return " ".join(word for word in spelled if not word.startswith(("--loadEngine", "--loadInputs")))

    def close(self) -> None:
        """See `Session.close`."""
        shutil.rmtree(str(self._folder), ignore_errors=True)

    def outputs_of(self, arrays: Mapping[str, Array]) -> Dict[str, Array]:
        """The outputs of one inference, with inputs that fit."""
        raw = has("dumpRawBindingsToFile", self.program.can)
        if not raw:
            log.info("trtexec %s tells floats with six digits", self.program.can.version)
        with self._files(arrays) as folder:
            if raw:
                self._launch(folder, arrays, ONE, [("dumpRawBindingsToFile", None)])
                return read_raw(folder, self.outputs)
            self._launch(folder, arrays, ONE, [("exportOutput", OUTPUTS_FILE)])
            return read_printed(folder / OUTPUTS_FILE, self.outputs)

    def _launch(
        self,
        folder: Path,
        arrays: Mapping[str, Array],
        policy: BenchmarkPolicy,
        exports: Sequence[Tuple[str, Optional[str]]],
    ) -> None:
        can, sayings = self.program.can, Sayings()
        files = {spec.name: f"input-{number}.bin" for number, spec in enumerate(self.inputs)}
        shapes = {spec.name: tuple(arrays[spec.name].shape) for spec in self.inputs if -1 in spec.shape}
        arguments: List[str] = [*run_arguments(can, _PLAN, files, shapes, policy, self._options)]
        arguments += [switch(name, can, file) for name, file in exports]
        how = self.program.run(arguments, folder, sayings)
        if how is not None:
            raise self.program.failure("cannot run the engine", how, sayings, "The log of the attempt may tell more.")

    @contextmanager
    def _files(self, arrays: Mapping[str, Array]) -> Iterator[Path]:
        """A folder with the plan and the bytes of the inputs, for one run."""
        if not self._folder.is_dir():
            raise Invalid("the engine is closed", "Run it inside its `with` statement.")
        with tempfile.TemporaryDirectory(dir=str(self._folder)) as name:
            folder = Path(name)
            (folder / _PLAN).symlink_to(self._folder / _PLAN)
            for number, spec in enumerate(self.inputs if arrays else ()):
                np.ascontiguousarray(arrays[spec.name]).tofile(str(folder / f"input-{number}.bin"))
            yield folder

    @contextmanager
    def _place(self) -> Iterator[Place]:
        yield _Runs(self)

    def _bound(self, arrays: Dict[str, Array], launch: Launch) -> ContextManager[Inference]:
        raise Unsupported(NOT_TIMED)


class _Runs(Place):
    """The processor, where the arrays are."""

    def __init__(self, session: TrtexecSession) -> None:
        super().__init__()
        self._session = session

    def infer(
        self, inputs: Mapping[str, Value], outputs: Mapping[str, Value] = NOTHING, rest: Rest = Rest.HOST
    ) -> Dict[str, Value]:
        """See `Place.infer`. `Rest.DEVICE` is the processor."""
        found = self._session.outputs_of(inputs)
        told: Dict[str, Value] = {name: filled(buffer, found[name], name) for name, buffer in outputs.items()}
        if rest is not Rest.DROPPED:
            told = {**found, **told}
        return told


def _kind(told: Mapping[str, Any]) -> Dict[str, Any]:
    return {name: told.get(name, "") for name in ("operator", "types")}
