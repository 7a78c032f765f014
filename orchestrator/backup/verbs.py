"""`farm coordinator backup` and `farm coordinator restore`."""

from __future__ import annotations

from pathlib import Path

import click

_FOLDER = click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
_DATA = click.option("--data", type=click.Path(path_type=Path), help="Folder of the farm, instead of FARM_DATA.")
_SHOWN = 5


@click.command()
@_FOLDER
@_DATA
def backup(folder: Path, data: Path | None) -> None:
    """Make a backup of the farm of this machine, which may run and build meanwhile.

    In a FOLDER with an earlier one only new blobs are copied. Anybody who can read it can read every model.
    """
    from orchestrator.settings import from_process, inherited

    from .making import back_up

    manifest, fresh = back_up(from_process(data=data), folder, inherited())
    sizes = f"{manifest.blobs} blobs ({manifest.size_bytes} bytes), {fresh} of them new"
    click.echo(f"{folder} is the farm of {manifest.made_at}: {sizes}")
    if manifest.damaged:
        click.echo(f"the farm itself lacks {_named(manifest.damaged)}", err=True)


@click.command()
@_FOLDER
@_DATA
def restore(folder: Path, data: Path | None) -> None:
    """Make a farm from a backup, where there is none; then start its coordinator.

    Every token goes on being valid. FARM_DATABASE_URL names the database, which must be empty.
    """
    from orchestrator.settings import from_process, inherited

    from .restoring import restore as made_from

    settings = from_process(data=data)
    done = made_from(settings, folder, inherited())
    click.echo(f"{settings.data} is the farm of {done.manifest.made_at}: {done.manifest.blobs} blobs")
    if done.damaged:
        told = "`farm submit --force` builds anew what needs them"
        click.echo(f"it lacks {_named(done.damaged)}; {told}", err=True)


def _named(damaged: tuple[str, ...]) -> str:
    more = f" and {len(damaged) - _SHOWN} more" if len(damaged) > _SHOWN else ""
    return f"{len(damaged)} blobs: {', '.join(damaged[:_SHOWN])}{more}"
