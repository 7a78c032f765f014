"""One inference of onnxruntime on the processor, into new arrays or into those of the caller."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Tuple

import numpy as np

from farm.protocol.engine import TensorSpec
from farm.protocol.errors import Invalid

from .onnxruntime_load import failure
from .session import Place
from .values import NOTHING, Rest, Value, check_room, filled


class Processor(Place):
    """Runs an `InferenceSession`; several threads may at once."""

    def __init__(self, session: Any, specs: Tuple[TensorSpec, ...]) -> None:
        super().__init__()
        self._session = session
        self._specs = {spec.name: spec for spec in specs}

    def infer(
        self, inputs: Mapping[str, Value], outputs: Mapping[str, Value] = NOTHING, rest: Rest = Rest.HOST
    ) -> Dict[str, Value]:
        """See `Place.infer`. `Rest.DEVICE` is the processor."""
        try:
            return self._into(inputs, outputs, rest) if outputs else self._fresh(inputs)
        except (MemoryError, Invalid):
            raise
        except Exception as error:  # as in `load`
            told = failure("onnxruntime", error).message
            raise Invalid(f"the engine cannot run these inputs: {told}", "Give others with --loadInputs.") from error

    def _fresh(self, inputs: Mapping[str, Value]) -> Dict[str, Value]:
        found = self._session.run(list(self._specs), dict(inputs))
        return {name: np.asarray(array) for name, array in zip(self._specs, found)}

    def _into(self, inputs: Mapping[str, Value], outputs: Mapping[str, Value], rest: Rest) -> Dict[str, Value]:
        binding = self._session.io_binding()
        # The binding has their addresses only.
        held = {name: np.asarray(value, order="C") for name, value in inputs.items()}
        for name, value in held.items():
            binding.bind_cpu_input(name, value)
        known = [name for name in outputs if -1 not in self._specs[name].shape]
        for name in known:
            buffer: Any = outputs[name]
            check_room(buffer, self._specs[name], self._specs[name].shape)
            binding.bind_output(name, "cpu", 0, buffer.dtype.type, buffer.shape, buffer.ctypes.data)
        others = [name for name in self._specs if name not in known and (name in outputs or rest is not Rest.DROPPED)]
        for name in others:
            binding.bind_output(name, "cpu")
        self._session.run_with_iobinding(binding)
        found = dict(zip([*known, *others], binding.get_outputs()))
        told = {}
        for name in self._specs:
            if name in known:
                told[name] = outputs[name]
            elif name in outputs:
                told[name] = filled(outputs[name], found[name].numpy(), name)
            elif name in others:
                told[name] = found[name].numpy()
        return told
