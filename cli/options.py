"""What a person types as an option, as the value that it means."""

import typer


def names(classes: str) -> tuple[str, ...]:
    """`a, b` as two names."""
    return tuple(name.strip() for name in classes.split(",") if name.strip())


def seconds_option(text: str, option: str) -> int:
    """Seconds as whole milliseconds; raises BadParameter, which names the option."""
    from screen_time.settings import interval_ms

    try:
        return interval_ms(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error
