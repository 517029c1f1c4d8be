"""`screen-time up` and `screen-time demo`: the whole system on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import err, out, print_seconds, reporter

if TYPE_CHECKING:
    from infra.local.stack import LocalStack

ROOT = Path(__file__).resolve().parents[1]
"""The project: its template and the function's source are what the local stack deploys."""


def up(
    parameter: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE of the template's parameters; may be repeated.")
    ] = None,
    quiet: Annotated[bool, typer.Option(help="Do not show what the function logs.")] = False,
) -> None:
    """Run the deployed system on this machine until Ctrl-C, with the models of this directory's MLflow store.

    Example: [cyan]screen-time up --parameter SampleIntervalSeconds=0.5[/cyan]
    """
    from infra.local.stack import StackOptions, serve

    options = StackOptions(
        root=ROOT,
        parameters=_parameters(parameter or []),
        log=_ignore if quiet else _log,
        announce=_announce,
    )
    err.print("Starting the local stack …")
    serve(options, _introduce)


def demo(
    video: Annotated[
        Path | None, typer.Option(help="A video of your own instead of the drawn cartoon.", exists=True, dir_okay=False)
    ] = None,
    labels: Annotated[Path | None, typer.Option(help="Its label file.", exists=True, dir_okay=False)] = None,
    classes: Annotated[str | None, typer.Option(help="Names of the classes, separated by commas.")] = None,
    directory: Annotated[Path, typer.Option("--out", help="Where everything is written.")] = Path(".demo"),
    long: Annotated[bool, typer.Option("--long", help="Measure it as a long video, by many workers.")] = False,
) -> None:
    """Train, promote, drop a video, read its screen time, promote another model, roll back: all of it, here and now.

    Example: [cyan]screen-time demo --video episode.mp4 --labels episode.csv[/cyan]
    """
    from demo.run import OwnVideo, run_demo

    if (video is None) != (labels is None):
        raise typer.BadParameter("--video and --labels go together.")
    own = OwnVideo(video, labels, tuple(classes.split(",")) if classes else ()) if video and labels else None
    with reporter() as report:
        shown = run_demo(ROOT, directory, own, report, long=long)
    for measured in (shown.promoted, shown.rolled_back, shown.first):
        title = f"{measured.drop.name}, measured by version {measured.version}"
        duration = measured.result["video"]["duration_seconds"]
        print_seconds(title, measured.seconds, measured.drop.true_seconds, duration)
    out.print(f"Measured by version {shown.first.version} of {shown.first.result['model']['name']}.")
    out.print(f"The result is {shown.first.address}, a copy is in {shown.first.copy}.", soft_wrap=True)


def _parameters(assignments: list[str]) -> dict[str, str]:
    pairs = [assignment.partition("=") for assignment in assignments]
    if bad := next((name for name, equals, _ in pairs if not equals), None):
        raise typer.BadParameter(f"{bad!r} is not NAME=VALUE.", param_hint="--parameter")
    return {name: value for name, _, value in pairs}


def _introduce(stack: "LocalStack") -> None:
    videos, results = stack.outputs["VideosBucketName"], stack.outputs["ResultsBucketName"]
    credentials = "AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_DEFAULT_REGION=us-east-1"
    aws = f"{credentials} aws --endpoint-url {stack.aws_endpoint}"
    lines = (
        f"AWS endpoint    {stack.aws_endpoint}",
        f"videos bucket   {videos}",
        f"results bucket  {results}",
        f"MLflow          {stack.registry_uri}",
        f"champion        {_champion(stack.registry_uri)}",
        "",
        "Drop a video:",
        f"  {aws} s3 cp VIDEO.mp4 s3://{videos}/",
        "Read its screen time:",
        f"  {aws} s3 cp s3://{results}/VIDEO.mp4/screen-time.json -",
        "",
        "Ctrl-C ends everything.",
    )
    for line in lines:
        out.print(line, markup=False, soft_wrap=True)
    out.file.flush()


def _champion(registry_uri: str) -> str:
    """Which version would serve now, in words."""
    from screen_time.errors import ModelError, RegistryError
    from screen_time.registry import Registry
    from training.model_names import ALIAS, MODEL_NAME

    try:
        version = Registry(registry_uri).version_of_alias(MODEL_NAME, ALIAS)
    except (RegistryError, ModelError):
        return "none yet; train one here with: screen-time train --video V --labels CSV --promote"
    return f"version {version.version} of {version.name}"


def _log(line: str) -> None:
    err.print(line, markup=False, soft_wrap=True, style="dim")


def _ignore(_: str) -> None:
    """Nobody wants to see the function's log."""


def _announce(sentence: str) -> None:
    err.print(sentence, markup=False, soft_wrap=True)
