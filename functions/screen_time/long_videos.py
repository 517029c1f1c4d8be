"""Which videos are shared among many workers, and how that begins: an execution of the state machine for each."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from screen_time.errors import TransientError
from screen_time.jobs import Job
from screen_time.manifest import InputSpec
from screen_time.observability import count, logger
from screen_time.planning import work_seconds
from screen_time.samples import Outline

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class LongVideos:
    """Starts executions for the videos that are more work than one function should do."""

    def __init__(self, stepfunctions: "SFNClient", state_machine_arn: str, longer_than_seconds: float) -> None:
        self._stepfunctions, self._arn = stepfunctions, state_machine_arn
        self._longer_than_seconds = longer_than_seconds

    def takes(self, outline: Outline, spec: InputSpec, interval_ms: int) -> bool:
        """Whether a video is long, by its processor seconds, and can be cut at all."""
        return len(outline.keys_ms) > 1 and work_seconds(outline, spec, interval_ms) > self._longer_than_seconds

    def start(self, job: Job) -> None:
        """Start the job's execution, unless there is or was one; raises TransientError where that fails."""
        try:
            self._stepfunctions.start_execution(stateMachineArn=self._arn, name=job.name, input=job.to_json())
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                raise TransientError(f"The video's execution cannot be started: {error}") from error
            logger.info("an execution exists already", execution=job.name)
        except BotoCoreError as error:
            raise TransientError(f"The video's execution cannot be started: {error}") from error
        else:
            logger.info("an execution measures the video", execution=job.name)
            count("ExecutionsStarted")
