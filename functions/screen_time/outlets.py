"""Where results go besides the results bucket's JSON: exports, an event bus, a topic."""

from dataclasses import dataclass, field

import boto3

from screen_time.announcer import PATIENCE, Announcer
from screen_time.export_format import ExportFormat


@dataclass(frozen=True, slots=True)
class OutletSettings:
    """What the environment decides of it; without a bus or a topic nobody is told."""

    exports: tuple[ExportFormat, ...] = ()
    event_bus_name: str | None = None
    notification_topic_arn: str | None = None


@dataclass(frozen=True, slots=True)
class Outlets:
    """The exports that are written with each result, and who is told of it."""

    exports: tuple[ExportFormat, ...] = ()
    announcer: Announcer = field(default_factory=Announcer)


def outlets(settings: OutletSettings) -> Outlets:
    """The outlets that `settings` asks for, with clients for those alone."""
    bus, topic = settings.event_bus_name, settings.notification_topic_arn
    announcer = Announcer(
        boto3.client("events", config=PATIENCE) if bus else None,
        bus,
        boto3.client("sns", config=PATIENCE) if topic else None,
        topic,
    )
    return Outlets(settings.exports, announcer)
