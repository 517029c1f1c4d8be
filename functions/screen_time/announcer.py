"""Tells others of finished and failed videos. A video's document stands before anybody hears of it.

That nobody could be told never takes a document back and never makes a video be measured again: it is logged and
counted, and an alarm rings.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from screen_time.announcements import SOURCE, Announcement
from screen_time.errors import ScreenTimeError
from screen_time.observability import count, logger

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_sns import SNSClient

PATIENCE = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
"""Of the clients: where a VPC has no way to a service, a video does not wait for it long."""


class AnnouncementError(ScreenTimeError):
    """An event was refused by EventBridge, which says so in an answer that is no error."""


class Announcer:
    """Puts each announcement on an event bus and publishes it to a topic, as far as there are any."""

    def __init__(
        self,
        events: "EventBridgeClient | None" = None,
        bus: str | None = None,
        sns: "SNSClient | None" = None,
        topic_arn: str | None = None,
    ) -> None:
        self._events, self._bus = events, bus
        self._sns, self._topic_arn = sns, topic_arn

    @property
    def has_listeners(self) -> bool:
        """Whether there is anybody to tell."""
        return bool(self._bus or self._topic_arn)

    def announce(self, announcement: Announcement) -> bool:
        """Tell everybody; False where somebody could not be told."""
        told = [self._tried(each, announcement) for each in (self._put, self._publish)]
        return all(told)

    def _tried(self, tell: Callable[[Announcement], None], announcement: Announcement) -> bool:
        try:
            tell(announcement)
        except (ClientError, BotoCoreError, AnnouncementError) as error:
            logger.error("nobody was told", document=announcement.detail["document"], reason=str(error))
            count("AnnouncementsFailed")
            return False
        return True

    def _put(self, announcement: Announcement) -> None:
        if self._events is None or self._bus is None:
            return
        entry = {
            "Source": SOURCE,
            "DetailType": announcement.kind.value,
            "Detail": announcement.to_json(),
            "EventBusName": self._bus,
        }
        answer = self._events.put_events(Entries=[entry])  # type: ignore[list-item]
        if answer["FailedEntryCount"]:
            (refused,) = answer["Entries"]
            raise AnnouncementError(f"EventBridge answers {refused.get('ErrorCode')}: {refused.get('ErrorMessage')}")

    def _publish(self, announcement: Announcement) -> None:
        if self._sns is None or self._topic_arn is None:
            return
        self._sns.publish(
            TopicArn=self._topic_arn,
            Subject=announcement.kind.value,
            Message=announcement.to_json(),
            # What a subscription's filter can look at.
            MessageAttributes={"status": {"DataType": "String", "StringValue": announcement.detail["status"]}},
        )
