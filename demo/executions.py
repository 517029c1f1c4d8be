"""How a dropped video went through the state machine: by how many workers it was measured."""

import json
import time

from infra.local.stack import LocalStack

LONG = {"LongVideoSeconds": "0.001", "SegmentSeconds": "1", "SegmentRereadBytes": "16000000"}
"""Parameters of the template with which every video is long, and a minute is shared by several workers."""

END_SECONDS = 60.0
"""How long an execution may go on once its result is written: it has partials to remove."""


class ExecutionError(Exception):
    """The video did not go through the state machine, or not to its end."""


def segments_of(stack: LocalStack, key: str) -> int:
    """Into how many segments a video was cut, once its execution has ended; raises ExecutionError where it failed."""
    stepfunctions = stack.client("stepfunctions")
    found = stepfunctions.list_executions(stateMachineArn=stack.outputs["LongVideosArn"])["executions"]
    for execution in found:
        end = time.monotonic() + END_SECONDS
        described = stepfunctions.describe_execution(executionArn=execution["executionArn"])
        if json.loads(described["input"])["job"]["upload"]["key"] != key:
            continue
        while described["status"] == "RUNNING" and time.monotonic() < end:
            time.sleep(0.1)
            described = stepfunctions.describe_execution(executionArn=execution["executionArn"])
        if described["status"] != "SUCCEEDED":
            raise ExecutionError(f"The execution of {key} is {described['status']}.")
        return len(json.loads(described["output"])["plan"]["segments"])
    raise ExecutionError(f"No execution has measured {key}.")
