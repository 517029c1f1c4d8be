"""`screen-time redrive` and `backfill`: what an operator does to a deployed stack, on AWS or on this machine."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import err, out, print_json, reporter

if TYPE_CHECKING:
    from cli.backfilling import StoredVideo

StackName = Annotated[str, typer.Option("--stack", help="CloudFormation's name of the deployed stack.")]
EndpointUrl = Annotated[
    str | None,
    typer.Option("--endpoint-url", envvar="AWS_ENDPOINT_URL", help="Another AWS than the real one: that of `up`."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be sent, and send nothing.")]


def redrive(
    stack: StackName = "screen-time", endpoint_url: EndpointUrl = None, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Send the events in the dead-letter queue back to be measured, once what failed is mended.

    Example: [cyan]screen-time redrive --stack screen-time[/cyan]
    """
    from cli.deployed_stack import DeployedStack
    from cli.redriving import dead_letters, send_back

    deployed = DeployedStack.find(stack, endpoint_url)
    count = dead_letters(deployed) if dry_run else sum(1 for _ in send_back(deployed))
    if as_json:
        print_json({"dead_letters": count, "sent": 0 if dry_run else count})
    elif dry_run:
        out.print(f"{count} dead letters would be sent back.")
    else:
        out.print(f"{count} dead letters were sent back.")


def backfill(
    prefix: Annotated[str, typer.Option(help="Only videos whose key begins so.")] = "",
    after: Annotated[str, typer.Option(help="Go on behind this key, where an earlier run ended.")] = "",
    rate: Annotated[float, typer.Option(help="Events a second at most.", min=0.01)] = 10.0,
    waiting: Annotated[
        int, typer.Option(help="Send nothing while so many events wait: new uploads go first.", min=1)
    ] = 100,
    stack: StackName = "screen-time",
    endpoint_url: EndpointUrl = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Measure every video of the bucket, or those under a prefix, with the current champion.

    Videos that it has measured already cost one look at their result, so a run may be repeated or cut off at any time.

    Example: [cyan]screen-time backfill --prefix incoming/ --dry-run[/cyan]
    """
    from cli.backfilling import Pace, send, stored_videos
    from cli.deployed_stack import DeployedStack

    deployed = DeployedStack.find(stack, endpoint_url)
    videos = stored_videos(deployed, prefix, after)
    last: list[StoredVideo] = []
    count = size = 0

    def sent(video: "StoredVideo") -> None:
        nonlocal count, size
        count, size = count + 1, size + video.bytes
        last[:] = [video]
        report.advance()

    try:
        with reporter() as report:
            report.stage("Looking" if dry_run else "Sending events")
            if dry_run:
                for video in videos:
                    sent(video)
            else:
                send(deployed, videos, Pace(rate, waiting), sent)
    except BaseException:
        if last and not dry_run:
            err.print(f"{count} events were sent; go on with: --after '{last[0].key}'", markup=False, soft_wrap=True)
        raise
    if as_json:
        print_json({"videos": count, "bytes": size, "sent": 0 if dry_run else count})
        return
    verb = "would be" if dry_run else "were"
    out.print(f"{count} events {verb} sent, for {size / 1e9:.2f} GB of video.")
