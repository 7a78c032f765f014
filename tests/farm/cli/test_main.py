"""The command as a process: how cheap its help is, and how every error ends."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Dict

import click
import pytest
from click.testing import CliRunner

from farm.cli import main as main_module
from farm.cli.group import LazyGroup
from farm.cli.main import cli, run
from farm.cli.options import Noun, kebab
from farm.cli.table import SECTIONS, VERBS

from ..double import TOKEN, Double
from .conftest import Farm
from .processes import start


def test_help_imports_no_verb_and_nothing_heavy(process: Farm) -> None:
    told = process(
        "--help",
        python="import atexit, sys\natexit.register(lambda: print('\\n'.join(sys.modules), file=sys.stderr))",
    )
    modules = told.err.split()
    assert [name for name in modules if name.split(".")[0] in ("httpx", "rich", "numpy", "onnx", "email")] == []
    assert [name for name in modules if name.startswith(("farm.cli.verbs", "farm.client", "farm.device"))] == []
    assert "farm.cli.group" in modules
    for verb in VERBS:
        assert verb.name in told.out


def test_every_verb_of_the_table_is_where_it_says() -> None:
    context = click.Context(cli)
    for verb in VERBS:
        assert verb.section in SECTIONS
        if verb.place is not None:
            command = cli.get_command(context, verb.name)
            assert command is not None
            assert command.name == verb.name
            assert command.help


def test_every_verb_has_help() -> None:
    runner = CliRunner()
    for verb in VERBS:
        if verb.place is not None:
            result = runner.invoke(cli, [verb.name, "--help"])
            assert result.exit_code == 0, result.output
            assert "Usage:" in result.output


def test_no_arguments_is_help(process: Farm) -> None:
    assert process().out == process("--help").out


def test_every_camel_case_option_has_its_kebab_case() -> None:
    assert kebab("--loadRefOutputs") == "--load-ref-outputs"
    context = click.Context(cli)
    camel = []
    for verb in ("submit", "plan", "bench", "verify", "run"):
        command = cli.get_command(context, verb)
        assert command is not None
        for parameter in command.params:
            camel += [(parameter.opts, name) for name in parameter.opts if kebab(name) != name.lower()]
    assert len(camel) > 10
    assert [name for opts, name in camel if kebab(name) not in opts] == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nothing"], 2, "error: there is no verb 'nothing'. See farm --help."),
        (["submti"], 2, "error: there is no verb 'submti'; did you mean 'submit'? See farm --help."),
        (["submit", "--nothing"], 2, "error: there is no option '--nothing'. See farm submit --help."),
        (
            ["submit", "--calibrationdata", "x"],
            2,
            "there is no option '--calibrationdata'; did you mean '--calib'? See",
        ),
        (
            ["submit", "model.onnx", "--memPoolSize=workspace:512"],
            2,
            "there is no option '--memPoolSize'; backends take theirs as --option memPoolSize=VALUE. See farm submit",
        ),
        (["plan", "--mem-pool-size", "workspace:512"], 2, "take theirs as --option memPoolSize=VALUE. See farm plan"),
        (["list", "--memPoolSize", "x"], 2, "error: there is no option '--memPoolSize'. See farm list --help."),
        (["--ulr", "http://127.0.0.1:9"], 2, "there is no option '--ulr'"),
        (["list", "--limit", "x"], 2, "error: invalid value for '--limit'"),
        (["fetch"], 2, "error: missing argument 'NAME'"),
        (["list"], 9, "error: no coordinator is set. Run farm configure, or set FARM_URL and FARM_TOKEN."),
        (["list", "--profile", "lab"], 9, "error: no profile 'lab' is set. Run farm configure --profile lab."),
        (["--url", "http://127.0.0.1:9", "list"], 9, "error: no token is set for http://127.0.0.1:9. Run farm"),
        (["list", "--url", "http://127.0.0.1:9", "--token", "x"], 9, "error: cannot reach the coordinator at"),
        (["check", "/nowhere"], 2, "holds no engine"),
        (["worker", "start"], 2, "error: the verb 'worker' is not installed here"),
    ],
)
def test_errors_are_one_sentence_and_a_code(process: Farm, arguments: Any, code: int, said: str) -> None:
    # Without the metadata of an installed distribution no other package brings verbs.
    told = process(*arguments, python="from importlib import metadata\nmetadata.entry_points = lambda **how: {}")
    assert (told.code, told.out) == (code, "")
    assert said in told.err
    assert len(told.err.splitlines()) == 1
    assert "Traceback" not in told.err


def test_an_error_is_json_too_when_json_is_asked_for(farm: Farm) -> None:
    told = farm("status", "none", "--json")
    assert told.code == 2
    assert json.loads(told.out)["error"]["code"] == "not_found"
    assert told.err.startswith("error: there is no none")


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["submti"], "there is no verb 'submti'; did you mean 'submit'?", "See farm --help."),
        (["submit", "--nothing"], "there is no option '--nothing'", "See farm submit --help."),
        (["list", "--limit", "x"], "invalid value for '--limit': 'x' is not a valid integer", "See farm list --help."),
        (["fetch"], "missing argument 'NAME'", "See farm fetch --help."),
        (["devices", "show"], "missing argument 'DEVICE'", "See farm devices show --help."),
    ],
)
def test_a_wrong_use_is_json_too_when_json_is_asked_for(process: Farm, arguments: Any, message: str, hint: str) -> None:
    told = process(*arguments, "--json")
    assert told.code == 2
    error = json.loads(told.out)["error"]
    assert error.pop("message").startswith(message)
    assert error == {"code": "invalid", "hint": hint, "details": {}}
    assert (told.err.startswith(f"error: {message}"), len(told.err.splitlines())) == (True, 1)


def test_a_wrong_token_is_code_9(farm: Farm) -> None:
    told = farm("list", "--token", "wrong")
    assert (told.code, told.out) == (9, "")
    assert "this token is not valid" in told.err


def test_options_about_the_coordinator_stand_before_or_behind_the_verb(
    farm: Farm, double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FARM_URL", "http://127.0.0.1:9")
    monkeypatch.delenv("FARM_TOKEN")
    where = ("--url", double.url, "--token", TOKEN)
    assert farm(*where, "models").code == farm("models", *where).code == 0
    assert farm(*where, "engines", "list").code == farm("engines", *where).code == 0


def test_what_nobody_foresaw_is_a_sentence_and_a_file(farm: Farm, environ: Dict[str, str], monkeypatch: Any) -> None:
    def broken(self: object) -> None:
        raise ZeroDivisionError("deep inside")

    monkeypatch.setattr("farm.cli.context.Connection.client", broken)
    told = farm("list", "--token", "very-secret")
    assert told.code == 9
    assert "this should not have happened: ZeroDivisionError: deep inside" in told.err
    assert "Traceback" not in told.err
    error = json.loads(farm("list", "--json").out)["error"]
    assert (error["code"], error["message"]) == (
        "error",
        "this should not have happened: ZeroDivisionError: deep inside",
    )
    path = Path(told.err.split()[-1].rstrip("."))
    assert path.parent == Path(environ["HOME"]) / ".cache" / "farm"
    text = path.read_text()
    assert "Traceback" in text
    assert "very-secret" not in text
    monkeypatch.setenv("FARM_DEBUG", "1")
    assert "Traceback" in farm("list").err


def test_a_crash_without_a_place_for_its_file_is_still_told(farm: Farm, monkeypatch: Any, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the home should be")
    monkeypatch.setattr("farm.cli.context.Connection.client", lambda self: 1 / 0)
    assert "cannot be written" in farm("list").err


def test_a_reader_that_leaves_is_no_error(environ: Dict[str, str], double: Double) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with start("engines", env={"FARM_URL": double.url, "FARM_TOKEN": TOKEN}, stdout=writing) as child:
        os.close(writing)
        _, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (141, "")


def test_an_interrupt_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(**unused: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(main_module.cli, "main", interrupted)
    assert run(["list"]) == 130


def test_the_verb_of_another_package_is_found_by_its_entry_point(process: Farm) -> None:
    told = process(
        "brew",
        "--help",
        python=(
            "import click\nfrom importlib import metadata\n"
            "class Point:\n"
            "    name = 'brew'\n"
            "    def load(self): return click.Command('brew', help='Make tea.')\n"
            "metadata.entry_points = lambda: {'farm.commands': [Point()]}\n"
        ),
    )
    assert (told.code, "Make tea." in told.out) == (0, True)


def test_a_verb_whose_package_lacks_a_library_says_so(process: Farm) -> None:
    told = process(
        "up",
        python=(
            "from importlib import metadata\n"
            "class Point:\n"
            "    name = 'up'\n"
            "    def load(self): raise ImportError('No module named uvicorn')\n"
            "metadata.entry_points = lambda: {'farm.commands': [Point()]}\n"
        ),
    )
    assert told.code == 2
    assert "the verb 'up' cannot start here: No module named uvicorn. Install the extra" in told.err


def test_a_path_that_cannot_be_used_is_no_crash(process: Farm, environ: Dict[str, str]) -> None:
    broken = "import farm.cli.context as context\ncontext.load = lambda **_: open('/nowhere/x')"
    told = process("list", python=broken)
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("error: cannot use /nowhere/x: No such file or directory. Check the path, its rights")
    assert len(told.err.splitlines()) == 1
    assert not (Path(environ["HOME"]) / ".cache").exists()


def test_a_package_that_lacks_is_no_crash(process: Farm, environ: Dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "in.npz").write_bytes(b"")
    (tmp_path / "manifest.json").write_text("{}")
    told = process("inspect", tmp_path, python="import sys\nsys.modules['farm.runtime.bundle'] = None")
    assert told.code == 9
    told = process("run", tmp_path, "-i", tmp_path / "in.npz", python="import sys\nsys.modules['numpy'] = None")
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("error: the package numpy is not installed here. Install the extra")
    assert len(told.err.splitlines()) == 1


def test_completion_knows_verbs_without_importing_them(process: Farm) -> None:
    env = {"_FARM_COMPLETE": "bash_complete", "COMP_WORDS": "farm s", "COMP_CWORD": "1"}
    assert process(env=env).out.split() == ["plain,submit", "plain,status"]
    deeper = {"_FARM_COMPLETE": "bash_complete", "COMP_WORDS": "farm submit --max", "COMP_CWORD": "2"}
    assert "plain,--maxShapes" in process(env=deeper).out.split()


def test_completion_knows_the_verbs_of_a_noun(process: Farm) -> None:
    for typed, expected in (("farm engines ", "pin"), ("farm token cr", "create"), ("farm devices ", "undrain")):
        env = {"_FARM_COMPLETE": "bash_complete", "COMP_WORDS": typed, "COMP_CWORD": "2"}
        assert f"plain,{expected}" in process(env=env).out.splitlines()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_printed(process: Farm, shell: str) -> None:
    told = process("completion", shell)
    assert told.code == 0
    assert "_FARM_COMPLETE" in told.out


def test_the_completion_script_is_accepted_by_bash(process: Farm) -> None:
    script = process("completion", "bash").out
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_a_noun_alone_lists(farm: Farm) -> None:
    for noun in ("engines", "devices", "targets", "token"):
        assert farm(noun).out == farm(noun, "list").out
        assert isinstance(cli.get_command(click.Context(cli), noun), Noun)
    assert json.loads(farm("engines", "--json").out)["engines"][0]["id"] == "eng-1"


def test_the_group_is_lazy() -> None:
    assert isinstance(cli, LazyGroup)
