"""Engines of the onnxruntime backend: an optimised graph, run on the processor exactly as it was saved."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, Mapping, Optional, Tuple

from farm.protocol.engine import TensorSpec
from farm.protocol.errors import Invalid, Unsupported
from farm.protocol.options import BuildOptions, Precision

from .onnxruntime_load import load
from .onnxruntime_options import session_options
from .onnxruntime_place import Processor, refused
from .session import Inference, Launch, Place, Session
from .values import Array

BACKEND = "onnxruntime"
# A profiled session is a second copy of the engine in memory: not worth it for the largest ones.
_PROFILED_BYTES = 1 << 30

_ELEMENT_TYPES: Dict[str, str] = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(bool)": "bool",
    **{f"tensor({sign}int{bits})": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}


def open_session(path: Path, options: Optional[BuildOptions] = None) -> OnnxRuntimeSession:
    """Load an engine and be ready to run it.

    Args:
        path: The engine; its external data lies beside it.
        options: What it was built with: the options that hold at run time, and the profiles.

    Raises:
        BuildFailed: onnxruntime cannot load it; the message is its own.
        Unsupported: an input or output is no tensor of numbers.
    """
    return OnnxRuntimeSession(path, options or BuildOptions())


def load_level(options: BuildOptions) -> str:
    """How far an engine is optimised again while it is loaded.

    It is complete as saved. Only float16 weights have to become float32 once more, which is the constant folding of
    the basic level.
    """
    return "basic" if options.precision is Precision.FP16 else "disable"


def tensor_specs(arguments: Any, what: str) -> Tuple[TensorSpec, ...]:
    """The inputs or outputs of an `InferenceSession`.

    Raises: Unsupported: one is a string, a sequence, a map, or of a type NumPy does not have.
    """
    specs = []
    for argument in arguments:
        if argument.type not in _ELEMENT_TYPES:
            raise Unsupported(
                f"{what} {argument.name!r} is a {argument.type}, which the {BACKEND} backend cannot exchange",
                "Give the model inputs and outputs that are tensors of numbers.",
            )
        shape = tuple(axis if isinstance(axis, int) else -1 for axis in argument.shape)
        specs.append(TensorSpec(argument.name, _ELEMENT_TYPES[argument.type], shape))
    return tuple(specs)


class OnnxRuntimeSession(Session):
    """A session of onnxruntime on the processor; safe to run from several threads."""

    def __init__(self, path: Path, options: BuildOptions) -> None:
        import onnxruntime

        self._path = path
        self._options = options
        self._session: Any = load(path, self._session_options())
        super().__init__(
            inputs=tensor_specs(self._session.get_inputs(), "input"),
            outputs=tensor_specs(self._session.get_outputs(), "output"),
            backend=BACKEND,
            backend_version=onnxruntime.__version__,
            concurrent=True,
            ranges=options.profiles,
        )

    def layers(self, arrays: Mapping[str, Array], runs: int = 10) -> Tuple[Dict[str, Any], ...]:
        """See `Session.layers`. Empty for engines above 1 GiB."""
        from .onnxruntime_profile import profiled_layers

        size = sum(item.stat().st_size for item in self._path.parent.glob(f"{self._path.name}*"))
        if size > _PROFILED_BYTES:
            return ()
        return profiled_layers(self._path, self._session_options(), dict(arrays), runs)

    def close(self) -> None:
        """See `Session.close`."""
        self._session = None

    def _session_options(self) -> Any:
        return session_options(self._options.backend_options, load_level(self._options))

    @contextmanager
    def _place(self) -> Iterator[Place]:
        yield Processor(self._open(), self.outputs)

    @contextmanager
    def _bound(self, arrays: Dict[str, Array], launch: Launch) -> Iterator[Inference]:
        if launch != Launch():
            raise Unsupported(
                f"{BACKEND} runs on the processor: it has no CUDA graph and waits for no GPU",
                "Leave out --useCudaGraph and --useSpinWait.",
            )
        session, names = self._open(), [spec.name for spec in self.outputs]

        def inference() -> None:
            try:
                session.run(names, arrays)
            except MemoryError:
                raise
            except Exception as error:  # as `Processor.infer`
                raise refused(error) from error

        yield inference

    def _open(self) -> Any:
        if self._session is None:
            raise Invalid("the engine is closed", "Run it inside its `with` statement.")
        return self._session
