"""`screen-time export`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import err, out, print_json, reporter
from cli.options import names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from screen_time.samples import Frame


def export(
    version: Annotated[str, typer.Argument(help="The version's number.")],
    classes: Annotated[
        str, typer.Option(help="The model's labels in the order of its outputs, separated by commas.")
    ] = "",
    semantics: Annotated[
        str, typer.Option(help="exclusive: one label a frame; independent: several may be on screen.")
    ] = "",
    video: Annotated[
        list[Path] | None,
        typer.Option("--video", help="A video to quantise with; may be repeated.", exists=True, dir_okay=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was made as JSON.")] = False,
) -> None:
    """Make the served form of a version that has none, such as a Keras model registered by hand.

    Example: [cyan]screen-time export 4 --classes neither,jerry,tom --video episode1.mp4[/cyan]
    """
    from screen_time.manifest import Semantics
    from training.served_version import ExportRequest, export_version

    if semantics not in ("", *Semantics):
        raise typer.BadParameter(f"{semantics} is neither exclusive nor independent.", param_hint="--semantics")
    meaning = Semantics(semantics) if semantics else None
    with reporter() as report:
        made = export_version(
            ExportRequest(version, names(classes), meaning, tuple(video or ())), cartoon_frames, report
        )
    if as_json:
        print_json(
            {
                "name": made.name,
                "version": made.version,
                "digest": made.digest,
                "form": made.form,
                "differences": made.differences.metrics(),
            }
        )
        return
    err.print(made.differences.describe(), markup=False, soft_wrap=True)
    out.print(
        f"Version {made.version} of {made.name} can be served ({made.form}); "
        f"promote it with: screen-time promote {made.version}",
        soft_wrap=True,
    )


def cartoon_frames() -> "Iterator[Frame]":
    """A frame a second of both episodes of the demo's cartoon."""
    from fractions import Fraction

    from demo.cartoon import Cartoon
    from demo.episodes import SECONDS, STYLES
    from demo.storyboard import Plot, write_storyboard

    for number, style in STYLES.items():
        plot = Plot(seed=number, seconds=SECONDS[number], style=style, together=True)
        for _, picture in Cartoon(write_storyboard(plot)).frames(Fraction(1)):
            yield picture
