"""What `farm plugin new` makes, from the folder to a library and into an engine, with nothing changed in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from farm.plugins.new import make_folder
from farm.protocol.exits import Exit
from farm.protocol.plugins import LIBRARY_FOLDER, library_name
from farm.protocol.states import State
from tests.e2e.fleet import Fleet
from tests.support.own_models import with_operator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

_COMPILED_S = 600.0


def test_a_new_plugin_is_compiled_ahead_of_any_model_and_the_first_model_is_given_it(
    smithy: Fleet, tmp_path: Path
) -> None:
    folder = make_folder("softsign_new", "SoftsignNew", tmp_path)
    told = smithy.farm("plugin", "build", folder, "--targets", "rtx-aot", "--wait", "--json", within_s=_COMPILED_S)
    assert told.code == Exit.DONE, told
    (request,) = json.loads(told.out)["builds"]
    assert (request["state"], request["engine"]) == (State.DONE, None)
    stages = [item.state for item in smithy.client.build(request["build"]).attempts[-1].stages]
    assert stages == [State.COMPILING]
    detail = smithy.client.plugins.show("softsign_new")
    (library,) = detail.libraries
    assert (library.device, library.inspected["exported"]) == ("smith", ["getCreators", "setLoggerFinder"])

    view = smithy.ended(smithy.submit(with_operator(tmp_path, "signed", "SoftsignNew"), "rtx-aot"), _COMPILED_S)
    assert [item.state for item in view.builds] == [State.DONE], smithy.story(view)
    (engine,) = smithy.engines(view)
    manifest = smithy.client.engines.show(engine.id).manifest
    assert manifest.key.plugins == {"softsign_new": detail.plugin.source}
    files = {item.name: item.sha256 for item in manifest.files}
    assert files[f"{LIBRARY_FOLDER}/{library_name('softsign_new')}"] == library.sha256
