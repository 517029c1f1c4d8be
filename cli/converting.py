"""`screen-time convert`: a result in the forms that spreadsheets, players and editors read."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.console import out
from screen_time.errors import ScreenTimeError
from screen_time.export_format import ExportFormat


class NoResultError(ScreenTimeError):
    """The file is no result of screen-time."""


def convert(
    result: Annotated[Path, typer.Argument(help="A screen-time.json, or the folder that it lies in.", exists=True)],
    to: Annotated[list[ExportFormat], typer.Option("--to", help="A format; may be repeated.")],
    character: Annotated[
        list[str] | None, typer.Option("--character", help="Only this character's segments; may be repeated.")
    ] = None,
    out_dir: Annotated[
        Path | None, typer.Option("--out", help="Where the files are written; beside the result by default.")
    ] = None,
) -> None:
    """Turn a result into CSV, WebVTT, an EDL (CMX 3600) or OpenTimelineIO.

    Example: [cyan]screen-time convert results/episode.mp4 --to edl --to otio[/cyan]
    writes segments.edl and timeline.otio beside screen-time.json.
    """
    from screen_time.documents import RESULT_NAME
    from screen_time.exports import export, only

    path = result / RESULT_NAME if result.is_dir() else result
    document = _read(path)
    try:
        files = export(only(document, character) if character else document, to)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--character") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise NoResultError(f"{path} is no screen-time.json: it lacks {error}.") from error
    folder = out_dir or path.parent
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
        out.print(str(folder / name), markup=False, soft_wrap=True)


def _read(path: Path) -> dict[str, Any]:
    try:
        document: object = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise NoResultError(f"{path} cannot be read as a result: {error}.") from error
    if not isinstance(document, dict) or "characters" not in document:
        raise NoResultError(f"{path} is no screen-time.json; an error.json has nothing to convert.")
    return document
