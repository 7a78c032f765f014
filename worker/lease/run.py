"""One lease from its claim to its end: fetch, run the child, tell stages and log, upload, publish."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Callable, Optional, Tuple

from farm.protocol.codec import loads
from farm.protocol.errors import FarmError, Invalid, LeaseLost, Unsupported
from farm.protocol.options import ClockLock
from farm.protocol.plugins import Compiled, PluginLibrary
from farm.protocol.report import Failure, FailureKind
from farm.protocol.states import State
from farm.protocol.timing import TIMING_CACHE_FILE
from farm.protocol.work import Claim, FailureReport
from worker.child.clocks import answer
from worker.child.compiling import CompileResult, CompileWork
from worker.child.crash import reason_of
from worker.child.executor import Hears
from worker.child.isolate import Ended
from worker.child.merging import Merged, MergeResult, MergeWork
from worker.child.reproduce import SCRIPT
from worker.child.result import ChildResult
from worker.child.untrusted import check_left
from worker.coordinator import LeaseLine

from .children import Children
from .delivery import Delivery, read_made
from .exchange import Exchange
from .halt import Halt, Why
from .helpers import ChildFailed, Helpers
from .holder import Holder
from .libraries import Libraries
from .patience import GaveUp
from .reporter import Reporter
from .shop import Shop
from .timing_cache import FleetCache
from .workspace import inputs_of, keep_failed, make_workspace, remove_aside

log = logging.getLogger(__name__)

_BUILD_CHILD = "worker.device.child"
_HOST_CHILD = "worker.host.child"
_MERGE_CHILD = "worker.device.merge"
_COMPILE_CHILD = "worker.device.compile.child"
_PREPARE_S = 3600.0
_MERGE_S = 300.0


class Run:
    """The work of one claim, in the thread that calls `work`; the child lives no longer than that thread.

    Args:
        shop: Of the slot.
        claim: What to do.
        line: Of its lease.
        entered: Told of each stage as it begins.
    """

    def __init__(self, shop: Shop, claim: Claim, line: LeaseLine, entered: Callable[[State], None]) -> None:
        self.halt = Halt()
        self._shop = shop
        self._claim = claim
        self._line = line
        self._entered = entered
        self._stage = State.LEASED
        self._libraries: Tuple[PluginLibrary, ...] = ()
        self._reporter = Reporter(line, shop.patience, self._lose)
        self._faults = shop.faults(self.halt)
        self._exchange = Exchange(line, shop.cache, shop.patience, self.halt)
        told = Hears(self._reporter.log, self._child_entered, self._reporter.progress)
        target = claim.build.key.target if claim.build is not None else None
        self._children = Children(shop, self.halt, told, target)
        self._helpers = Helpers(self._children.run, self._why_failed, self.halt)
        self._fleet_cache = FleetCache(self._exchange, self._merge, self._reporter.say)
        self._plugins = Libraries(self._exchange, shop.bench_for(target), self._compile, self._reporter.say)

    def work(self) -> None:
        """Do it and tell what came of it. Whatever happens, it is told to the coordinator or to the log."""
        workspace = self._shop.folder / self._claim.lease.attempt
        try:
            with Holder(self._line, lambda reason: self.halt.tell(Why.CANCELLED, reason), self._lose):
                self._work_in(workspace)
        finally:
            self._reporter.close()
            self._line.close()
            remove_aside(workspace)

    def _lose(self) -> None:
        self.halt.tell(Why.LOST, "the lease was lost")

    def _work_in(self, workspace: Path) -> None:
        attempt = self._claim.lease.attempt
        try:
            failure = self._attempt(workspace)
            if failure is not None and self.halt.may_go_on():
                self._fail(failure, workspace)
        except LeaseLost as error:
            self.halt.tell(Why.LOST, error.message)
        except GaveUp as error:
            self.halt.tell(Why.RELEASED, error.message)
        if self.halt.why is Why.LOST:
            log.warning("%s: the lease was lost; what was done is thrown away", attempt)
        elif self.halt.why is not None:
            self._release()

    def _attempt(self, workspace: Path) -> Optional[Failure]:
        """Everything up to the publication; the failure, if it came to one."""
        self._faults.strike(State.LEASED)
        try:
            make_workspace(workspace, self._claim)
            work = self._claim.build
            if work is not None and work.only_compiles:
                self._bring(workspace)
                self._say_compiled()
                return None
            # It starts while its inputs come: for most models the one takes as long as the other.
            module, deadline_s = (_BUILD_CHILD, work.deadline_s) if work else (_HOST_CHILD, _PREPARE_S)
            with self._children.early(module, workspace, deadline_s) as go_on:
                self._bring(workspace)
                ended = go_on()
            self.halt.check()
            if ended.status != 0:
                return self._why_failed(ended, workspace)
            self._deliver(workspace)
        except (LeaseLost, GaveUp):
            raise
        except ChildFailed as error:
            return error.failure
        except Unsupported as error:
            return Failure(FailureKind.UNSUPPORTED, self._stage, error.message, error.hint, self._reporter.tail)
        except FarmError as error:
            # Nobody's fault, unless the coordinator says that the result itself is wrong.
            kind = FailureKind.FAILED if isinstance(error, Invalid) else FailureKind.TRANSFER
            return Failure(kind, self._stage, error.message, error.hint, self._reporter.tail)
        except OSError as error:
            return Failure(FailureKind.TRANSFER, self._stage, f"the worker's disk: {error}", "Is it full?")
        return None

    def _bring(self, workspace: Path) -> None:
        """All inputs of the work, and the libraries of its plugins."""
        for name, sha256 in inputs_of(self._claim).items():
            self._exchange.fetch(sha256, workspace / "input" / name, name)
        if self._claim.build is not None:
            self._fleet_cache.bring(self._claim.build.timing_cache, workspace / "input" / TIMING_CACHE_FILE)
            self._libraries = self._plugins.bring(self._claim.build, workspace)

    def _deliver(self, workspace: Path) -> None:
        made = read_made(workspace, is_build=self._claim.build is not None)
        self._enter(State.PUBLISHING)
        self._faults.strike(State.PUBLISHING)
        if isinstance(made, ChildResult) and made.learned is not None:
            learned = workspace / "output" / check_left(workspace / "output", made.learned.name)
            self._fleet_cache.share(learned, made.learned.grew_from, workspace)
        known = frozenset(inputs_of(self._claim).values())
        delivery = Delivery(self._exchange, workspace / "output", known)
        delivery.deliver(made, self._libraries, self._children.child_ms, self._reporter.flush)

    def _say_compiled(self) -> None:
        """End a build whose plugins are all it was for."""
        self._reporter.flush()
        self.halt.check()
        done = Compiled(self._line.lease.token, self._children.child_ms)
        self._exchange.call(partial(self._line.compiled, done), "ending")

    def _merge(self, folder: Path) -> Merged:
        """Let a child of the device merge two timing caches. Raises: FarmError, OSError: it did not."""
        build = self._claim.build
        if build is None:
            raise Unsupported("a preparation has no timing cache")
        result = loads(MergeResult, self._helpers.result(_MERGE_CHILD, folder, MergeWork(build.key.target), _MERGE_S))
        if result.ended is Merged.BOTH:
            check_left(folder / "output", TIMING_CACHE_FILE)
        return result.ended

    def _compile(self, work: CompileWork, folder: Path) -> CompileResult:
        """Let a child of the device compile plugins. Raises: ChildFailed, OSError, GaveUp."""
        build = self._claim.build
        deadline_s = build.deadline_s if build is not None else _PREPARE_S
        return loads(CompileResult, self._helpers.result(_COMPILE_CHILD, folder, work, deadline_s))

    def _why_failed(self, ended: Ended, folder: Path) -> Failure:
        attempt = self._claim.lease.attempt
        kept = self._shop.failed / attempt
        script = (kept if folder.name == attempt else kept / folder.name) / SCRIPT
        return reason_of(ended, folder, self._stage, self._reporter.tail, f"sh {script}")

    def _child_entered(self, name: str, detail: str) -> None:
        try:
            state = State(name)
        except ValueError:
            self._reporter.say(f"the child told a stage that is none: {name[:40]!r}")
            return
        self._enter(state, detail)
        if state is State.BENCHMARKING:
            self._lock_clocks()

    def _lock_clocks(self) -> None:
        """Answer the child that waits to be told whether the clocks of its card are locked."""
        build, clocks = self._claim.build, self._shop.clocks
        if build is None or build.benchmark.lock_clocks is ClockLock.OFF:
            return
        told = clocks.lock() if clocks is not None else {"locked": False, "reason": "this worker locks no clocks"}
        try:
            answer(self._shop.folder / self._claim.lease.attempt, told)
        except OSError as error:
            self._reporter.say(f"the child cannot be told about its clocks: {error}")

    def _enter(self, state: State, detail: str = "") -> None:
        self._stage = state
        self._entered(state)
        self._reporter.stage(state, detail, self._children.child_ms)

    def _fail(self, failure: Failure, workspace: Path) -> None:
        log.info("%s failed: %s", self._claim.lease.attempt, failure.message)
        self._reporter.say(f"failed while {failure.stage}: {failure.message}")
        self._reporter.flush()
        report = FailureReport(self._claim.lease.token, failure, self._children.child_ms)
        self._exchange.call(partial(self._line.fail, report), "reporting a failure")
        try:
            keep_failed(workspace, self._shop.failed)
        except OSError as error:
            log.warning("the workspace of %s cannot be kept: %s", self._claim.lease.attempt, error)

    def _release(self) -> None:
        """Hand the lease back. One try: it would run out by itself."""
        try:
            self._line.release(self.halt.reason[:200])
        except FarmError as error:
            log.info("%s could not be released: %s", self._claim.lease.attempt, error)
