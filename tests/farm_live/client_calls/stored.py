"""Engines on their way to a device, files, and what is stored."""

from __future__ import annotations

import hashlib
from typing import Any

from farm.device.probe import probe
from farm.protocol.submit import FetchAsk

from .site import Site, calls


@calls("fetch")
def fetch(site: Site) -> Any:
    fetched = site.client.fetch("net", site.folder / "engine", facts=probe())
    assert (fetched.engine, fetched.cached) == (site.engine, False)
    assert (fetched.folder / "manifest.json").is_file()
    return fetched


@calls("find_engine")
def find_engine(site: Site) -> Any:
    answer = site.client.find_engine(FetchAsk("net", probe()))
    assert answer.engine == site.engine
    return answer


@calls("take")
def take(site: Site) -> Any:
    answer = site.client.find_engine(FetchAsk("net", probe()))
    assert site.client.take(answer, site.folder / "engine").manifest == answer.manifest
    again = site.client.take(answer, site.folder / "engine")
    assert again.cached
    return again


@calls("upload")
def upload(site: Site) -> Any:
    (site.folder / "file").write_bytes(b"anything")
    seen: list[Any] = []
    ref = site.client.upload(site.folder / "file", seen.append)
    assert (ref.name, ref.sha256) == ("file", hashlib.sha256(b"anything").hexdigest())
    assert seen
    return ref


@calls("download_blob")
def download_blob(site: Site) -> Any:
    sha256 = hashlib.sha256(site.model.read_bytes()).hexdigest()
    path = site.client.download_blob(sha256, site.folder / "net.onnx")
    assert path.read_bytes() == site.model.read_bytes()
    return path


@calls("key")
def key(site: Site) -> Any:
    view = site.client.key(site.engine)
    assert view.key.digest == view.digest == site.client.key(site.build).digest
    return view


@calls("gc")
def gc(site: Site) -> Any:
    sweep = site.client.gc()
    assert sweep.dry_run
    return sweep


@calls("engines.list")
def engines_list(site: Site) -> Any:
    found = site.client.engines.list(model="net", gpu="cpu", target="cpu", limit=100)
    assert site.engine in [view.id for view in found]
    return found


@calls("engines.show")
def engines_show(site: Site) -> Any:
    detail = site.client.engines.show(site.engine)
    assert (detail.engine.id, detail.manifest.model_name) == (site.engine, "net")
    return detail


@calls("engines.remove")
def engines_remove(site: Site) -> Any:
    built = site.client.submit(site.model, ["cpu"], site.variant(2), wait=True, timeout_s=120.0)
    view = site.client.engines.remove(str(built.builds[0].engine))
    assert view.id not in [item.id for item in site.client.engines.list()]
    return view


@calls("engines.pin")
def engines_pin(site: Site) -> Any:
    view = site.client.engines.pin(site.engine)
    assert view.pinned
    return view


@calls("engines.unpin")
def engines_unpin(site: Site) -> Any:
    view = site.client.engines.unpin(site.engine)
    assert not view.pinned
    return view


@calls("models.list")
def models_list(site: Site) -> Any:
    found = site.client.models.list()
    assert "net" in [view.name for view in found]
    return found


@calls("models.show")
def models_show(site: Site) -> Any:
    view = site.client.models.show("net")
    assert view.model == site.client.status(site.submission).model
    return view
