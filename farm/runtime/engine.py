"""Engine: a fetched engine that an application runs, with arrays of NumPy, PyTorch or CuPy."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Any, Dict, Mapping, Optional, Tuple, Type, TypeVar, Union

from farm.protocol.engine import EngineManifest, TensorSpec
from farm.protocol.facts import DeviceFacts

from .inputs import Ranges
from .libraries import handed_over, library_of, on_gpu
from .open import open_bundle
from .session import Session
from .values import Array, Rest

Self = TypeVar("Self", bound="Engine")


class Engine:
    """A fetched engine, loaded with its plugins. Use it in a `with` statement, or call `close`.

        with Engine.open("engines/net") as engine:
            logits = engine.run({"images": images})["logits"]

    Any number of threads may call it. Where its runtime allows several inferences at once (`concurrent`), each of
    them gets an execution context of its own; elsewhere they wait for each other.

    Attributes:
        manifest: What it is, how it was built, what it was measured at.
        session: The same engine as builders and benchmarks see it: `farm.runtime.measure(engine.session, …)`.
    """

    def __init__(self, session: Session, manifest: EngineManifest, plugins: Mapping[str, Tuple[str, ...]]) -> None:
        self.session = session
        self.manifest = manifest
        self._plugins = dict(plugins)

    @classmethod
    def open(cls, folder: Union[str, os.PathLike[str]], facts: Optional[DeviceFacts] = None) -> Engine:
        """Load the engine of a folder that `farm fetch` wrote.

        Args:
            folder: Holds `manifest.json` and the files it names; the path of that file will do, too.
            facts: Of this device; measured now when absent, which takes a second or two.

        Raises:
            NotFound: the folder holds no engine, or not all of it.
            NoEngine: the engine does not fit this device; the message gives the reasons.
            BlobCorrupt: a file does not have the bytes it was stored with.
            BuildFailed, Unsupported: its runtime, or one of its plugins, cannot be loaded.
        """
        path = Path(folder)
        opened = open_bundle(path.parent if path.is_file() else path, facts)
        return cls(opened.session, opened.manifest, opened.plugins)

    @property
    def inputs(self) -> Tuple[TensorSpec, ...]:
        """Name, element type and shape of each input; -1 is an axis of any size."""
        return self.session.inputs

    @property
    def outputs(self) -> Tuple[TensorSpec, ...]:
        """Likewise. An axis that depends on the inputs, or on their values, is -1."""
        return self.session.outputs

    @property
    def profiles(self) -> Ranges:
        """The shapes it was built for; empty where every size of an open axis is allowed."""
        return self.session.ranges

    @property
    def concurrent(self) -> bool:
        """Several inferences run at once."""
        return self.session.concurrent

    def run(self, arrays: Mapping[str, Array], like: Optional[Any] = None) -> Dict[str, Any]:
        """One inference: input name to array in, output name to array out.

        Element types and shapes must be exactly those of `inputs`; nothing is converted or broadcast. Arrays of NumPy
        give arrays of NumPy. Of any other library with DLPack the inputs are read where they lie, and the outputs are
        arrays of that library: on the GPU if an input is there, and not copied in either direction. It returns when
        the outputs are there, whatever stream reads them, and when the inputs may be written again.

        Args:
            arrays: One for each input.
            like: The library of the outputs: something with `from_dlpack`; that of the first input when absent.

        Raises:
            Invalid: an input is missing, unknown, of another type or shape, or on another device than the engine.
            Unsupported: an input is no array.
        """
        library = like or library_of(arrays)
        if getattr(library, "__name__", "") == "numpy":
            library = None
        stay = library is not None and on_gpu(arrays)
        found = self.session.exchange(arrays, rest=Rest.DEVICE if stay else Rest.HOST)
        return handed_over(found, library)

    def infer_into(self, arrays: Mapping[str, Array], outputs: Mapping[str, Array]) -> Dict[str, Tuple[int, ...]]:
        """One inference whose outputs are written into arrays that are there already: no memory is allocated.

        Args:
            arrays: One for each input.
            outputs: Arrays of NumPy or of any library with DLPack, dense and writable; outputs that are left out are
                not brought back. One whose size only the inference tells is written into the beginning of its array.

        Returns: The shape of what was written, for each of `outputs`.
        Raises: Invalid: as `run`; or an output does not go into its array.
        """
        found = self.session.exchange(arrays, outputs, Rest.DROPPED)
        return {name: tuple(found[name].shape) for name in outputs}

    def plugins_loaded(self) -> Dict[str, Tuple[str, ...]]:
        """The plugin libraries that came with this engine and are loaded, each with the creators it brought."""
        return dict(self._plugins)

    def close(self) -> None:
        """Give the memory of the engine back; outputs that were handed out stay. Closing twice is allowed."""
        self.session.close()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()
