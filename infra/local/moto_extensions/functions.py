"""moto runs functions from zip files, in Docker; here a stack runs them.

A function that CloudFormation creates from a container image keeps what moto drops of it (command, log group, storage,
tracing), and its invocations, from whatever service they come, go to whoever serves its ARN.
"""

import json
from collections.abc import Callable

from moto.awslambda.models import ImageConfig, LambdaFunction
from moto.awslambda.utils import get_backend

from infra.local.function import FunctionConfiguration, Invocation
from infra.local.moto_extensions.creation import Moto, Properties, complete

Invoke = Callable[[FunctionConfiguration, bytes], Invocation]

LOG_RESULT_BYTES = 4096
"""What Lambda returns of an invocation's log to who asks for its tail."""

_served: dict[str, Invoke] = {}
"""Function ARN → what runs its invocations."""

_invoke_elsewhere = LambdaFunction._invoke_lambda  # noqa: SLF001 (that is what is replaced)
_invoke = LambdaFunction.invoke


def install() -> None:
    """Create image functions, and send invocations to where they are served."""
    complete(LambdaFunction, _apply)
    LambdaFunction._invoke_lambda = _invoke_served  # noqa: SLF001
    LambdaFunction.invoke = _invoke_unhandled


def serve(function_arn: str, invoke: Invoke) -> None:
    """Run every invocation of the function with `invoke`."""
    _served[function_arn] = invoke


def withdraw(function_arn: str) -> None:
    """End what `serve` began."""
    _served.pop(function_arn, None)


def invoke(function_arn: str, event: bytes) -> Invocation:
    """Invoke a served function as Lambda itself does for a queue; `event` is JSON."""
    _, _, _, region, account, *_ = function_arn.split(":")
    function = get_backend(account, region).get_function(function_arn)
    return _served[function_arn](configuration_of(function), event)


def configuration_of(function: Moto) -> FunctionConfiguration:
    """The configuration that moto's function has now; an update of it takes effect with the next invocation."""
    return FunctionConfiguration(
        name=function.function_name,
        arn=function.function_arn,
        region=function.region,
        handler=function.image_config.cmd[0],
        environment={name: str(value) for name, value in function.environment_vars.items()},
        memory_mebibytes=int(function.memory_size),
        timeout_seconds=int(function.timeout),
        log_group=function.logs_group_name,
        log_format=getattr(function, "log_format", "Text"),
    )


def _apply(function: Moto, properties: Properties) -> None:
    function.package_type = properties.get("PackageType", "Zip")
    function.image_config = ImageConfig(properties.get("ImageConfig", {}))
    function.architectures = properties.get("Architectures", ["x86_64"])
    function.tracing_config = properties.get("TracingConfig", {"Mode": "PassThrough"})
    # CloudFormation makes numbers strings; a client refuses to read the others.
    function.environment_vars = {name: str(value) for name, value in function.environment_vars.items()}
    if "EphemeralStorage" in properties:
        function.ephemeral_storage = properties["EphemeralStorage"]["Size"]
    logging = properties.get("LoggingConfig", {})
    function.logs_group_name = logging.get("LogGroup", function.logs_group_name)
    function.log_format = logging.get("LogFormat", "Text")


def _invoke_served(self: Moto, event: object = None) -> tuple[str, bool, str]:
    invoke = _served.get(self.function_arn)
    if invoke is None:
        result: tuple[str, bool, str] = _invoke_elsewhere(self, event)
        return result
    # moto hands over a parsed document, or the text of an empty one where there was no payload.
    payload = b"{}" if event is None or event == "{}" else json.dumps(event).encode()
    invocation = invoke(configuration_of(self), payload)
    tail = invocation.log.encode()[-LOG_RESULT_BYTES:].decode(errors="ignore")
    return invocation.payload.decode(), invocation.failed, tail


def _invoke_unhandled(self: Moto, body: str, request_headers: Moto, response_headers: Moto) -> Moto:
    result = _invoke(self, body, request_headers, response_headers)
    # moto says "Handled", which Lambda has not said for years.
    if "x-amz-function-error" in response_headers:
        response_headers["x-amz-function-error"] = "Unhandled"
    return result
