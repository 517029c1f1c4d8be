"""`screen-time predict`: the result files of one video, without AWS."""

from pathlib import Path
from typing import Annotated

import typer

from cli.console import out, print_json, print_result, reporter
from cli.options import seconds_option
from training.model_names import DEFAULT_MODEL


def predict(
    video: Annotated[Path, typer.Argument(help="The video to measure.", exists=True, dir_okay=False, readable=True)],
    model: Annotated[str, typer.Option(help="Any MLflow model URI.")] = DEFAULT_MODEL,
    out_dir: Annotated[Path, typer.Option("--out", help="Where the video's folder of results is made.")] = Path(
        "results"
    ),
    every: Annotated[str, typer.Option(help="Seconds between two samples.")] = "1",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON instead of a table.")] = False,
) -> None:
    """Measure a video with a registered model, as the deployed function would.

    Example: [cyan]screen-time predict episode.mp4 --out results[/cyan]
    writes results/episode.mp4/screen-time.json, frames.csv and report.html, which plays the video where it lies.
    """
    from cli.local_results import write_results
    from screen_time.documents import REPORT_NAME, RESULT_NAME
    from training.registry import resolve

    interval = seconds_option(every, "--every")
    folder = out_dir / video.name
    with reporter() as report:
        report.stage("Fetching the model")
        document = write_results(video, resolve(model), interval, folder, report)
    if as_json:
        print_json(document)
        return
    print_result(document)
    out.print(f"The result is in {folder / RESULT_NAME}, to look at in {folder / REPORT_NAME}.", soft_wrap=True)
