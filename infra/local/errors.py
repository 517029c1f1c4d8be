"""What can go wrong with the local stack, as one sentence for the person who started it."""

from screen_time.errors import ScreenTimeError


class LocalStackError(ScreenTimeError):
    """The local stack cannot be started, or a part of it ended by itself."""
