"""What begins with a model and ends with results."""

from __future__ import annotations

from typing import Any

from farm.client import make_ask
from farm.protocol.states import State

from .site import QUICK, Site, calls


@calls("submit")
def submit(site: Site) -> Any:
    view = site.client.submit(site.model, ["cpu"], QUICK, wait=True, timeout_s=60.0)
    assert (view.name, view.state) == ("net", State.CACHED)
    return view


@calls("plan")
def plan(site: Site) -> Any:
    found = site.client.plan(site.model, ["cpu"], QUICK)
    assert [(row.hit, row.engine) for row in found.rows] == [("hit", site.engine)]
    return found


@calls("send")
def send(site: Site) -> Any:
    local = make_ask(site.model, ["cpu"], QUICK)
    first = site.client.send(local)
    assert site.client.send(local).id == first.id
    return first


@calls("send_plan")
def send_plan(site: Site) -> Any:
    found = site.client.send_plan(make_ask(site.model, ["cpu"], QUICK))
    assert found.name == "net"
    return found


@calls("status")
def status(site: Site) -> Any:
    view = site.client.status(site.submission)
    assert (view.id, view.builds[0].target) == (site.submission, "cpu")
    return view


@calls("ask")
def ask(site: Site) -> Any:
    asked = site.client.ask(site.submission)
    assert (asked.name, asked.targets, asked.benchmark) == ("net", ("cpu",), QUICK.benchmark)
    return asked


@calls("list")
def list_(site: Site) -> Any:
    found = site.client.list(name="net", mine=True, state=State.DONE)
    assert site.submission in [view.id for view in found]
    return found


@calls("build")
def build(site: Site) -> Any:
    view = site.client.build(site.build)
    assert (view.state, view.engine, len(view.attempts)) == (State.DONE, site.engine, 1)
    return view


@calls("preparation")
def preparation(site: Site) -> Any:
    view = site.client.preparation(site.client.status(site.submission).builds[0].preparation)
    assert view.state is State.DONE
    return view


@calls("wait")
def wait(site: Site) -> Any:
    seen: list[Any] = []
    view = site.client.wait(site.submission, seen.append, timeout_s=10.0)
    assert seen == [view]
    return view


@calls("results")
def results(site: Site) -> Any:
    (result,) = found = site.client.results(site.submission)
    assert result.engine is not None
    assert result.benchmark is not None
    assert result.verification is not None
    assert (result.engine.engine.id, str(result.verification.verdict)) == (site.engine, "passed")
    return found


@calls("cancel")
def cancel(site: Site) -> Any:
    with site.drained():
        begun = site.client.submit(site.model, ["cpu"], site.variant(3))
        view = site.client.cancel(begun.id, "cpu")
    assert (view.id, view.state) == (begun.id, State.CANCELLED)
    return view


@calls("retry")
def retry(site: Site) -> Any:
    view = site.client.retry(site.submission, failed=False)
    assert (view.state, view.tags) == (State.CACHED, {"retry-of": site.submission})
    return view


@calls("logs")
def logs(site: Site) -> Any:
    assert list(site.client.logs(site.submission, "cpu")) == list(site.client.logs(site.build, follow=True))
    return site.client.logs(site.submission)


@calls("log_sources")
def log_sources(site: Site) -> Any:
    found = site.client.log_sources(site.submission)
    assert [(source.target, source.build) for source in found] == [("cpu", site.build)]
    return found


@calls("log")
def log(site: Site) -> Any:
    (source,) = site.client.log_sources(site.submission)
    assert list(site.client.log(source)) == list(site.client.logs(site.build))
    return site.client.log(source)


@calls("preparation_log")
def preparation_log(site: Site) -> Any:
    return site.client.preparation_log(site.client.status(site.submission).builds[0].preparation)


@calls("events")
def events(site: Site) -> Any:
    first = next(site.client.events(submission=site.submission, after=0))
    assert site.submission == first.submission or site.build == first.build
    return site.client.events(after=0)
