"""The folder of a new plugin: a small real operator under another name, which its author changes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Optional, Union

from farm.protocol.errors import Conflict, Invalid
from farm.protocol.plugins import check_plugin_name

_NAME, _OPERATOR = "my_operator", "MyOperator"
# What ends so is no module of this package, but one of the folder that is made.
_IN = ".in"
_TEMPLATE = Path(__file__).parent / "template" / _NAME


def make_folder(name: str, operator: Optional[str] = None, parent: Union[str, Path] = ".") -> Path:
    """Make the folder of a plugin, with tests that pass.

    Args:
        name: Of the folder and of the plugin.
        operator: Its operator in models; by default `my_op` becomes `MyOp`.
        parent: Where to make it.

    Returns: The folder.
    Raises: Invalid: a name cannot be one. Conflict: the folder is there. OSError: it cannot be written.
    """
    check_plugin_name(name)
    operator = operator or "".join(part.capitalize() for part in name.split("_"))
    if not operator.isidentifier() or not operator.isascii():
        raise Invalid(f"{operator[:80]!r} cannot be an operator", "Use letters, digits and _, as in MyOperator.")
    folder = Path(parent) / name
    if folder.exists():
        raise Conflict(f"{folder} is there already", "Choose another name, or another --output.")
    folder.mkdir(parents=True)
    try:
        for path in sorted(_TEMPLATE.iterdir()):
            if path.is_file():
                text = path.read_text("utf-8").replace(_NAME, name).replace(_OPERATOR, operator)
                called = path.name[: -len(_IN)] if path.name.endswith(_IN) else path.name
                (folder / called.replace(_NAME, name)).write_text(text, encoding="utf-8")
    except OSError:
        shutil.rmtree(str(folder), ignore_errors=True)
        raise
    return folder
