"""One answer about one picture, whichever tool it comes from."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

_UPLOADED = re.compile(r"^[0-9a-f]{8}-(?=frame)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Said:
    """A picture's file name, and the classes that somebody gave it: none where they said that nobody is on it."""

    image: str
    labels: tuple[str, ...]


def file_name(address: str) -> str:
    """The file's name in a path or an address, without what an upload put in front of it (`1a2b3c4d-frame12.jpg`)."""
    path = unquote(address).partition("?d=")[2] or unquote(address).partition("?")[0]
    return _UPLOADED.sub("", path.replace("\\", "/").rsplit("/", 1)[-1])
