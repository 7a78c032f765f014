"""One inference of onnxruntime on the processor, into new arrays or into those of the caller."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Tuple

import numpy as np

from farm.protocol.engine import TensorSpec
from farm.protocol.errors import Invalid

from .onnxruntime_load import failure
from .session import Place
from .values import NOTHING, Rest, Value, check_room, filled


def refused(error: Exception) -> Invalid:
    """What an error of `InferenceSession.run` means for whoever gave the inputs."""
    told = failure("onnxruntime", error).message
    return Invalid(f"the engine cannot run these inputs: {told}", "Give others with --loadInputs, or with --value.")


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
            dropped = rest is Rest.DROPPED
            wanted = [name for name in self._specs if name in outputs or not dropped]
            known = [name for name in outputs if -1 not in self._specs[name].shape]
            found = self._bound(inputs, outputs, wanted, known) if known else self._fresh(inputs, wanted)
            return {name: self._placed(name, found[name], outputs, known) for name in wanted}
        except (MemoryError, Invalid):
            raise
        except Exception as error:  # as in `load`
            raise refused(error) from error

    def _fresh(self, inputs: Mapping[str, Value], wanted: List[str]) -> Dict[str, Any]:
        return dict(zip(wanted, self._session.run(wanted, dict(inputs))))

    def _bound(
        self, inputs: Mapping[str, Value], outputs: Mapping[str, Value], wanted: List[str], known: List[str]
    ) -> Dict[str, Any]:
        """With the outputs of known size written where they shall be."""
        binding = self._session.io_binding()
        # The binding has their addresses only.
        held = {name: np.asarray(value, order="C") for name, value in inputs.items()}
        for name, value in held.items():
            binding.bind_cpu_input(name, value)
        for name in wanted:
            if name in known:
                buffer: Any = outputs[name]
                check_room(buffer, self._specs[name], self._specs[name].shape)
                binding.bind_output(name, "cpu", 0, buffer.dtype.type, buffer.shape, buffer.ctypes.data)
            else:
                binding.bind_output(name, "cpu")
        self._session.run_with_iobinding(binding)
        return {name: found if name in known else found.numpy() for name, found in zip(wanted, binding.get_outputs())}

    def _placed(self, name: str, found: Any, outputs: Mapping[str, Value], known: List[str]) -> Value:
        if name in known:
            return outputs[name]
        return filled(outputs[name], found, name) if name in outputs else np.asarray(found)
