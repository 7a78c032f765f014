"""The verbs about submissions: send, plan, follow, wait, cancel, retry, read what came out."""

from __future__ import annotations

from typing import Collection, Iterator, Mapping, Optional, Sequence, Tuple, Union

from farm.protocol.states import State
from farm.protocol.submit import Plan, SubmitAsk
from farm.protocol.views import BuildView, Event, PreparationView, SubmissionView

from . import asks, events, logs, results, waiting
from .asks import LocalAsk, ModelSource, SubmitOptions
from .logs import LogSource
from .progress import Progress
from .results import TargetResult
from .transport import Transport, segment
from .waiting import OnChange


class Submissions:
    """The part of `FarmClient` that begins with a model and ends with results."""

    _transport: Transport

    def submit(
        self,
        model: ModelSource,
        targets: Sequence[str],
        options: Optional[SubmitOptions] = None,
        *,
        wait: bool = False,
        timeout_s: Optional[float] = None,
        on_change: Optional[OnChange] = None,
        progress: Optional[Progress] = None,
    ) -> SubmissionView:
        """Send a model to targets; files that the coordinator has are not sent again.

        Args:
            model: Path of an ONNX file, or a manifest whose files are stored already.
            targets: Names, aliases, device names, filters such as `sm>=80,mem>=16GiB`, or `all`.
            options: How to build, verify and measure.
            wait: Return when every target has ended; a failed one raises, as `wait` says.
            timeout_s: How long to wait.
            on_change: Called with the submission whenever it has moved, while waiting.
            progress: Told while files are hashed and sent.

        Raises:
            Invalid: the model cannot be read, or an option cannot be right.
            TargetUnavailable: a target is unknown, or nobody serves it.
        """
        view = self.send(asks.make_ask(model, targets, options, progress), progress)
        return self.wait(view.id, on_change, timeout_s) if wait else view

    def plan(self, model: ModelSource, targets: Sequence[str], options: Optional[SubmitOptions] = None) -> Plan:
        """What `submit` would do for each target: toolchain, precision mechanism, key, hit or miss, problems.

        Raises: Invalid, TargetUnavailable: as `submit`.
        """
        return self.send_plan(asks.make_ask(model, targets, options))

    def send(self, local: LocalAsk, progress: Optional[Progress] = None) -> SubmissionView:
        """Submit what `make_ask` made, as often as one likes: it stays one submission.

        Raises: Invalid, TargetUnavailable: as `submit`. Conflict: a file is neither stored nor at hand.
        """
        return asks.send_submit(self._transport, local, progress)

    def send_plan(self, local: LocalAsk) -> Plan:
        """Plan what `make_ask` made.

        Raises: Invalid, TargetUnavailable: as `submit`.
        """
        return asks.send_plan(self._transport, local)

    def status(self, submission: str) -> SubmissionView:
        """Where a submission stands.

        Raises: NotFound
        """
        return self._transport.value(SubmissionView, "GET", f"/submissions/{segment(submission)}")

    def ask(self, submission: str) -> SubmitAsk:
        """What was asked for, to ask it again.

        Raises: NotFound
        """
        return self._transport.value(SubmitAsk, "GET", f"/submissions/{segment(submission)}/ask")

    def list(
        self,
        state: Optional[State] = None,
        name: Optional[str] = None,
        mine: bool = False,
        tags: Optional[Mapping[str, str]] = None,
        since: Optional[str] = None,
        until: Optional[str] = None,
        limit: Optional[int] = None,
    ) -> Tuple[SubmissionView, ...]:
        """Submissions that match everything given, newest first; times are ISO-8601.

        Raises: Invalid: a time cannot be read.
        """
        params = {
            "state": state,
            "name": name,
            "mine": "true" if mine else None,
            "tag": [f"{key}={value}" for key, value in tags.items()] if tags else None,
            "since": since,
            "until": until,
            "limit": limit,
        }
        return self._transport.values(SubmissionView, "submissions", "/submissions", params)

    def build(self, build: str) -> BuildView:
        """One build with its attempts.

        Raises: NotFound
        """
        return self._transport.value(BuildView, "GET", f"/builds/{segment(build)}")

    def preparation(self, preparation: str) -> PreparationView:
        """One preparation with its attempts.

        Raises: NotFound
        """
        return self._transport.value(PreparationView, "GET", f"/preparations/{segment(preparation)}")

    def wait(
        self,
        submission: str,
        on_change: Optional[OnChange] = None,
        timeout_s: Optional[float] = None,
        check: bool = True,
    ) -> SubmissionView:
        """The submission once it has ended, through restarts of the coordinator of up to two minutes.

        Args:
            submission: Its id.
            on_change: Called with the submission whenever it has moved.
            timeout_s: Give up waiting then; the work goes on.
            check: Raise when a target has no engine; otherwise return the submission, whatever became of it.

        Raises:
            NotFound: there is no such submission.
            TimedOut: `timeout_s` is over.
            BuildFailed, NumericsFailed, TooNoisy, TargetUnavailable, Cancelled: that of the worst target.
        """
        view = waiting.wait(self._transport, submission, on_change, timeout_s)
        if check:
            waiting.raise_for_outcome(view)
        return view

    def results(
        self, submission: Union[str, SubmissionView], only: Collection[State] = tuple(State)
    ) -> Tuple[TargetResult, ...]:
        """What came out for each target in one of these states: engine, verification, benchmark, or the failure.

        Of a view, as it was when somebody looked; of an id, as it is now.

        Raises: NotFound
        """
        view = self.status(submission) if isinstance(submission, str) else submission
        return results.results(self._transport, [item for item in view.builds if item.state in only])

    def cancel(self, submission: str, target: Optional[str] = None) -> SubmissionView:
        """Cancel a submission, or one target of it. Builds that others want too go on.

        Raises: NotFound: there is no such submission, or it has no such target.
        """
        where = f"/submissions/{segment(submission)}/cancel"
        return self._transport.value(SubmissionView, "POST", where, {"target": target}, repeatable=True)

    def retry(self, submission: str, failed: bool = True, force: bool = False) -> SubmissionView:
        """A new submission of what failed (or, with `failed=False`, of everything).

        Raises: NotFound, Conflict: nothing of it failed.
        """
        body = {"failed": failed, "force": force}
        return self._transport.value(SubmissionView, "POST", f"/submissions/{segment(submission)}/retry", body)

    def logs(self, submission_or_build: str, target: Optional[str] = None, follow: bool = False) -> Iterator[str]:
        """The lines of a build's log; of a submission those of each target in turn.

        Of a build that was never started it is the log of its preparation.

        Raises: NotFound, Invalid: the submission has no such target.
        """
        for source in self.log_sources(submission_or_build, target):
            yield from self.log(source, follow)

    def log_sources(self, submission_or_build: str, target: Optional[str] = None) -> Tuple[LogSource, ...]:
        """The builds that `logs` would read, to read them at the same time with `log`.

        Raises: NotFound, Invalid: as `logs`.
        """
        return logs.sources_of(self._transport, submission_or_build, target)

    def log(self, source: LogSource, follow: bool = False) -> Iterator[str]:
        """The lines of one of the `log_sources`.

        Raises: NotFound: the build is no longer stored.
        """
        return logs.source_log(self._transport, source, follow)

    def preparation_log(self, preparation: str, follow: bool = False) -> Iterator[str]:
        """The lines of what a host said while it prepared a model.

        Raises: NotFound
        """
        return logs.preparation_log(self._transport, preparation, follow)

    def events(
        self, submission: Optional[str] = None, build: Optional[str] = None, after: Optional[int] = None
    ) -> Iterator[Event]:
        """What happens, as it happens, without end; after a broken connection nothing is missing.

        Args:
            submission: Only of this one.
            build: Only of this one.
            after: Id of the last event that is known already; by default only new ones come.
        """
        stream = events.events(self._transport, submission, build, after)
        return (event for event in stream if event is not None)
