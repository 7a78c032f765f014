"""Every verb of the command: where it is, what it does in one line, and under which heading it is listed.

`farm --help` reads nothing but this. A verb without a place comes from another package by the entry points
`farm.commands`; its line stands here so that help costs no look-up.
"""

from __future__ import annotations

from typing import NamedTuple, Optional, Tuple


class Verb(NamedTuple):
    """One verb. `place` is `module:attribute` below `farm.cli.verbs`, or None for one of another package."""

    name: str
    place: Optional[str]
    help: str
    section: str


_BUILD, _USE, _LOOK, _FARM, _OWN = "Build", "Use an engine", "Look", "Run the farm", "This machine"
SECTIONS = (_BUILD, _USE, _LOOK, _FARM, _OWN)

VERBS: Tuple[Verb, ...] = (
    Verb("submit", "submit:submit", "Build a model for targets.", _BUILD),
    Verb("plan", "submit:plan", "Show what a submit would do for each target.", _BUILD),
    Verb("export", None, "Write a network of PyTorch as an ONNX file.", _BUILD),
    Verb("prepare", None, "Run graph steps over a model here.", _BUILD),
    Verb("status", "status:status", "Show where a submission stands, or what goes on.", _BUILD),
    Verb("list", "status:list_", "List submissions.", _BUILD),
    Verb("logs", "logs:logs", "Print the log of a build.", _BUILD),
    Verb("diagnose", None, "Find the operator for which a build failed.", _BUILD),
    Verb("results", "results:results", "Show what came out of a submission.", _BUILD),
    Verb("cancel", "ending:cancel", "Cancel a submission or one of its targets.", _BUILD),
    Verb("retry", "ending:retry", "Submit again what failed.", _BUILD),
    Verb("fetch", "fetch:fetch", "Bring the engine that fits this device.", _USE),
    Verb("check", "local:check", "Tell whether a fetched engine fits this device.", _USE),
    Verb("run", "run:run", "Run arrays through a fetched engine.", _USE),
    Verb("detect", "detect:detect", "Find objects in pictures with a fetched engine.", _USE),
    Verb("bench", "local:bench", "Measure a fetched engine on this device.", _USE),
    Verb("verify", "local:verify", "Compare a fetched engine with reference outputs.", _USE),
    Verb("engines", "engines:engines", "List, show, remove and pin stored engines.", _LOOK),
    Verb("compare", "compare:compare", "Put engines side by side.", _LOOK),
    Verb("key", "key:key", "Show a request key, or what differs between two.", _LOOK),
    Verb("inspect", "inspect:inspect", "Show what an engine or an ONNX model holds.", _LOOK),
    Verb("models", "models:models", "List model names and the digests they point at.", _LOOK),
    Verb("devices", "devices:devices", "List, show, record, drain and retire devices.", _FARM),
    Verb("plugin", "plugin:plugin", "List, add, make and compile plugins.", _FARM),
    Verb("targets", "targets:targets", "List, add and remove target words.", _FARM),
    Verb("campaign", "campaign:campaign", "Bring what lives to another toolchain; promote or go back.", _FARM),
    Verb("timing-caches", "timing_caches:timing_caches", "List, certify and drop what builds share.", _FARM),
    Verb("token", "token:token", "Create, list and revoke tokens.", _FARM),
    Verb("gc", "gc:gc", "Remove what nothing refers to.", _FARM),
    Verb("up", None, "Run a whole farm in this terminal.", _FARM),
    Verb("coordinator", None, "Run the coordinator.", _FARM),
    Verb("worker", None, "Run a worker on this machine.", _FARM),
    Verb("configure", "configure:configure", "Say where the coordinator is.", _OWN),
    Verb("doctor", "doctor:doctor", "Check this machine and say how to mend it.", _OWN),
    Verb("completion", "completion:completion", "Print the shell completion script.", _OWN),
)
