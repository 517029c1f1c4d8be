"""A document is told of when it stands, and its tag remembers it; for a function killed in between, the next tells."""

import json
from datetime import UTC, datetime

from screen_time.announcements import announcement
from screen_time.announcer import Announcer
from screen_time.conditional_writes import ConflictError
from screen_time.documents import Document
from screen_time.errors import TransientError
from screen_time.object_labels import labels
from screen_time.observability import count, logger
from screen_time.results import ResultFolder

TOLD = "told"
"""Tag of a document that others were told of."""

WRITER_SECONDS = 30
"""How long the function that wrote a document may take to tell of it, before another one that finds it does.

Less than what a killed function's message stays hidden: the next attempt is the one that tells.
"""


class News:
    """What is told of one video's documents: once where all goes well, and more than once rather than never."""

    def __init__(self, folder: ResultFolder, announcer: Announcer) -> None:
        self._folder, self._announcer = folder, announcer

    def tell(self, document: Document, address: str) -> None:
        """Tell of a document that stands at `address`, and tag it so; a failure is counted and raises nothing."""
        if not self._announcer.has_listeners or not self._announcer.announce(announcement(document, address)):
            return
        try:
            self._folder.tag(_name(address), {**labels(document).tags, TOLD: "yes"})
        except (TransientError, ConflictError) as error:
            logger.warning("this may be told again", document=address, reason=str(error))

    def tell_belatedly(self, address: str) -> None:
        """Tell of a document that was found, unless its writer did or is about to."""
        if not self._announcer.has_listeners:
            return
        name = _name(address)
        try:
            if TOLD in self._folder.tags(name):
                return
            document: Document = json.loads(self._folder.read(name))
        except (TransientError, ConflictError) as error:
            logger.error("nobody was told", document=address, reason=str(error))
            count("AnnouncementsFailed")
            return
        if _age_seconds(document) > WRITER_SECONDS:
            self.tell(document, address)


def _name(address: str) -> str:
    return address.rpartition("/")[2]


def _age_seconds(document: Document) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(document["measured_at"])).total_seconds()
