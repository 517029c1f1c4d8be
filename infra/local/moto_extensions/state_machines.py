"""State machines that CloudFormation creates are executed, which moto does not do unless it is told to.

Their tasks call this machine's AWS whatever proxy or profile the developer has set up, and wait as long as a function
may take.
"""

import json
import logging
from typing import Any

from botocore.config import Config
from moto import settings
from moto.core.config import default_user_config
from moto.stepfunctions import models
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from infra.local import aws
from infra.local.moto_extensions.creation import Moto, Properties

TASK_SECONDS = 1000
"""Longer than a function may run: its own time-out, or the task's, is to be what ends it."""

_create = models.StateMachine.create_from_cloudformation_json.__func__


def install() -> None:
    """Execute state machines, created with the definition's substitutions."""
    default_user_config["stepfunctions"]["execute_state_machine"] = True
    models.stepfunctions_backends = stepfunctions_parser_backends
    models.StateMachine.create_from_cloudformation_json = classmethod(_create_with_substitutions)
    lambda_eval_utils.boto_client_for = _client
    # Every condition that looks for something absent would be reported as an error; failures are in the history.
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)


def _create_with_substitutions(
    cls: Moto, /, name: str, cloudformation_json: Properties, *place: str, **more: str
) -> Moto:
    properties = cloudformation_json["Properties"]
    definition: str = properties.get("DefinitionString") or json.dumps(properties["Definition"])
    for placeholder, value in properties.get("DefinitionSubstitutions", {}).items():
        definition = definition.replace(f"${{{placeholder}}}", str(value))
    return _create(
        cls, name, {**cloudformation_json, "Properties": {**properties, "DefinitionString": definition}}, *place, **more
    )


def _client(service: str, region: str, state_credentials: Any = None) -> aws.Client:  # noqa: ANN401, ARG001
    """A task's client; one attempt, because the state machine itself says what is tried again."""
    once = Config(retries={"total_max_attempts": 1}, read_timeout=TASK_SECONDS, parameter_validation=False)
    return aws.client(service, f"http://127.0.0.1:{settings.moto_server_port()}", once)
