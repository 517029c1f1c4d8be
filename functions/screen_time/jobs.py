"""What is to be measured, whether one function does it or many."""

import json
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from screen_time.documents import ModelIdentity
from screen_time.events import Upload
from screen_time.provenance import Identity, Provenance
from screen_time.video_object import VideoObject


@dataclass(frozen=True, slots=True)
class Job:
    """One upload, to be measured by one model at one sampling."""

    upload: Upload
    model: ModelIdentity
    interval_ms: int

    @property
    def name(self) -> str:
        """The same for the same object, model and sampling, and different for any other; 64 characters."""
        return Identity.of(self.upload, self.model, self.interval_ms).digest

    def of(self, video: VideoObject) -> Self:
        """The job of exactly the object that was opened, also where the event did not tell which it is."""
        return replace(self, upload=replace(self.upload, version_id=video.version_id, etag=video.etag))

    def provenance(self, video: VideoObject | None = None) -> Provenance:
        """What the job's documents are marked with; with the object, as soon as it was opened."""
        job = self if video is None else self.of(video)
        identity = Identity.of(job.upload, job.model, job.interval_ms)
        return Provenance.of(identity, job.upload.sequencer, None if video is None else video.uploaded)

    def to_json(self) -> str:
        """The input of an execution of the state machine."""
        return json.dumps({"job": asdict(self)})

    @classmethod
    def from_event(cls, event: dict[str, Any]) -> Self:
        """The job in a task's event, where the state machine puts it as it came in."""
        job = event["job"]
        return cls(Upload(**job["upload"]), ModelIdentity(**job["model"]), job["interval_ms"])
