"""`screen-time frames`: what a person needs to label a video."""

from pathlib import Path
from typing import Annotated

import typer

from cli.console import out, reporter


def frames(
    video: Annotated[Path, typer.Argument(help="The video to label.", exists=True, dir_okay=False, readable=True)],
    folder: Annotated[Path, typer.Option("--out", help="Folder for the frames and labels.csv.")],
    every: Annotated[float, typer.Option(help="Seconds between two frames.")] = 1.0,
) -> None:
    """Write a frame a second as frame0.jpg, frame1.jpg … and a labels.csv to fill in.

    Example: [cyan]screen-time frames episode.mp4 --out episode-frames[/cyan]
    """
    from training.frames import write_frames

    with reporter() as report:
        written = write_frames(video, folder, every, report)
    out.print(f"Wrote {written.count} frames; fill in the column Class of {written.labels}.", soft_wrap=True)
