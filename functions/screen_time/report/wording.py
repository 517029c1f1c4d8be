"""How the report says times, shares and names."""

LONGEST_NAME = 100
"""Characters of a name or a key that are shown; what is longer is cut, and the JSON has it whole."""


def clock(seconds: float) -> str:
    """A position in the video: 0:07, 12:30, 1:02:03, with milliseconds only where there are any."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    whole, fraction = divmod(rest, 1000)
    part = f".{fraction:03d}".rstrip("0") if fraction else ""
    return f"{hours}:{minutes:02d}:{whole:02d}{part}" if hours else f"{minutes}:{whole:02d}{part}"


def amount(seconds: float) -> str:
    """A duration: 96 s, 3.48 s."""
    text = f"{seconds:,.3f}"
    return f"{text.rstrip('0').rstrip('.')} s"


def percent(value: float | None) -> str:
    """A share in percent, with one decimal."""
    return "–" if value is None else f"{value:.1f} %"


def probability(value: float | None) -> str:
    """A probability as whole percents, never rounded up to certainty or down to nothing."""
    if value is None:
        return "–"
    if 0 < value < 0.005:
        return "<1 %"
    if 0.995 <= value < 1:
        return ">99 %"
    return f"{100 * value:.0f} %"


def size(number: int) -> str:
    """Bytes in the largest unit that leaves a whole number before the point."""
    value, units = float(number), ["bytes", "KiB", "MiB", "GiB", "TiB"]
    while value >= 1024 and len(units) > 1:
        value /= 1024
        units.pop(0)
    return f"{value:.0f} {units[0]}" if units[0] == "bytes" else f"{value:.1f} {units[0]}"


def short(name: str) -> str:
    """A name of any length as it can be shown, without control characters."""
    visible = "".join(character if character.isprintable() else "�" for character in name)
    return visible if len(visible) <= LONGEST_NAME else visible[: LONGEST_NAME - 1] + "…"
