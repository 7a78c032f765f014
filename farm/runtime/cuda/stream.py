"""Work for a GPU in order: streams, the events that time them, and graphs that replay them."""

from __future__ import annotations

import ctypes

from .driver import driver

_NON_BLOCKING = 1
_EVENT_SPINS = 0
_EVENT_SLEEPS = 1
_CAPTURE_THREAD_LOCAL = 1


class Stream:
    """A queue of the current GPU; what is put into it runs in order, and after this call has returned."""

    def __init__(self) -> None:
        self._handle = ctypes.c_void_p()
        driver().call("cuStreamCreate", ctypes.byref(self._handle), ctypes.c_uint(_NON_BLOCKING))

    @property
    def handle(self) -> int:
        """As TensorRT, PyTorch and CuPy take it."""
        return int(self._handle.value or 0)

    def copy_in(self, device: int, host: int, size_bytes: int) -> None:
        """Copy from an address of the host to one of the device."""
        driver().call("cuMemcpyHtoDAsync_v2", _address(device), _address(host), _size(size_bytes), self._handle)

    def copy_out(self, host: int, device: int, size_bytes: int) -> None:
        """Copy from an address of the device to one of the host."""
        driver().call("cuMemcpyDtoHAsync_v2", _address(host), _address(device), _size(size_bytes), self._handle)

    def copy(self, target: int, source: int, size_bytes: int) -> None:
        """Copy from one address of the device to another."""
        driver().call("cuMemcpyDtoDAsync_v2", _address(target), _address(source), _size(size_bytes), self._handle)

    def wait_for(self, event: Event) -> None:
        """Let what is put into it from now on begin after an event that was recorded; the host does not wait."""
        driver().call("cuStreamWaitEvent", self._handle, event.handle, ctypes.c_uint(0))

    def wait(self) -> None:
        """Return when everything in it is done."""
        driver().call("cuStreamSynchronize", self._handle)

    def begin_capture(self) -> None:
        """Record what is put into it from now on, in place of running it."""
        driver().call("cuStreamBeginCapture_v2", self._handle, ctypes.c_int(_CAPTURE_THREAD_LOCAL))

    def end_capture(self) -> Graph:
        """What was recorded."""
        graph = ctypes.c_void_p()
        driver().call("cuStreamEndCapture", self._handle, ctypes.byref(graph))
        return Graph(graph)

    def close(self) -> None:
        """Closing twice is allowed."""
        if self._handle:
            driver().call("cuStreamDestroy_v2", self._handle)
            self._handle = ctypes.c_void_p()


class Event:
    """A moment in a stream.

    Args:
        spin: Whoever waits for it looks all the time: sooner by some microseconds, for a whole core.
    """

    def __init__(self, spin: bool = True) -> None:
        self._handle = ctypes.c_void_p()
        flags = _EVENT_SPINS if spin else _EVENT_SLEEPS
        driver().call("cuEventCreate", ctypes.byref(self._handle), ctypes.c_uint(flags))

    @property
    def handle(self) -> ctypes.c_void_p:
        """As the driver takes it."""
        return self._handle

    def record(self, stream: Stream) -> None:
        """It happens when all that is in the stream now is done."""
        driver().call("cuEventRecord", self._handle, ctypes.c_void_p(stream.handle))

    def wait(self) -> None:
        """Return when it has happened."""
        driver().call("cuEventSynchronize", self._handle)

    def since_ms(self, earlier: Event) -> float:
        """Milliseconds on the clock of the GPU, to about half a microsecond; both have happened."""
        found = ctypes.c_float()
        driver().call("cuEventElapsedTime", ctypes.byref(found), earlier._handle, self._handle)
        return float(found.value)

    def close(self) -> None:
        """Closing twice is allowed."""
        if self._handle:
            driver().call("cuEventDestroy_v2", self._handle)
            self._handle = ctypes.c_void_p()


class Graph:
    """Work that was recorded once and is put into a stream with one call. Made by `Stream.end_capture`."""

    def __init__(self, graph: ctypes.c_void_p) -> None:
        self._graph = graph
        self._ready = ctypes.c_void_p()
        driver().call("cuGraphInstantiateWithFlags", ctypes.byref(self._ready), graph, ctypes.c_ulonglong(0))

    def launch(self, stream: Stream) -> None:
        """Put it into a stream."""
        driver().call("cuGraphLaunch", self._ready, ctypes.c_void_p(stream.handle))

    def close(self) -> None:
        """Closing twice is allowed."""
        if self._ready:
            driver().call("cuGraphExecDestroy", self._ready)
            driver().call("cuGraphDestroy", self._graph)
            self._ready = ctypes.c_void_p()


def _address(value: int) -> ctypes.c_void_p:
    return ctypes.c_void_p(value)


def _size(value: int) -> ctypes.c_size_t:
    return ctypes.c_size_t(value)
