"""Entry point: the commands, and errors as one sentence with an exit status."""

import sys

import typer
from rich.markup import escape

from cli import converting, labelling, models, operating, predicting, stack, suggesting
from cli.console import err
from screen_time.errors import ScreenTimeError

app = typer.Typer(
    name="screen-time",
    help="How long each character is on screen, for any video.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command()(labelling.frames)
app.command()(labelling.label)
app.command()(suggesting.suggest)
app.command()(labelling.import_labels)
app.command()(models.train)
app.command()(models.evaluate)
app.command()(predicting.predict)
app.command()(converting.convert)
app.command()(models.compare)
app.command()(models.promote)
app.command()(models.rollback)
app.command()(operating.redrive)
app.command()(operating.backfill)
app.command()(stack.up)
app.command()(stack.demo)


def main() -> None:
    """Run the command line; exits with 1 after an error that a person can mend, 130 after Ctrl-C."""
    try:
        app()
    except ScreenTimeError as error:
        err.print(f"[red]error:[/red] {escape(str(error) or type(error).__name__)}", soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
