"""The function is created with what its code reads, from an image that starts it."""

import re
from typing import Any

import pytest

from screen_time.settings import Settings
from screen_time.task_settings import TaskSettings
from tests.template.cloudformation import ROOT, main, resources

POWERTOOLS = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_LOG_LEVEL"}
GIVEN = {"RegistryUri": "http://registry.example:5000"}
SOURCE = ROOT / "functions" / "screen_time"
SETTINGS = {"Function": "settings.py", "TasksFunction": "task_settings.py"}
"""What each function reads of its environment, by its logical id."""
LIMITS = {"MAX_VIDEO_SECONDS", "MAX_VIDEO_PIXELS", "MAX_VIDEO_FRAMES"}
"""Read for both of them by settings.py."""
TUNING = {
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "DECODER_CPU_SECONDS",
    "DECODER_STALL_SECONDS",
    "MAX_DECODER_BYTES",
    "REUSE_HELD_FRAMES",
}
"""Set by Lambda, or found by the code itself: the template may leave these out."""
OUTLETS = {"EXPORTS", "EVENT_BUS_NAME", "NOTIFICATION_TOPIC_ARN"}
"""Likewise."""
DOCKERFILE = ROOT / "functions" / "screen_time" / "Dockerfile"


def function(name: str = "Function") -> dict[str, Any]:
    return resources(main(), "AWS::Lambda::Function")[name]


def environment(name: str = "Function") -> dict[str, str]:
    """A function's environment where every parameter without a given value has its default."""
    variables = function(name)["Environment"]["Variables"]
    return {name: str(_resolved(value)) for name, value in variables.items() if "Fn::If" not in value}


def _resolved(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    name = value.get("Ref", "")
    return GIVEN.get(name) or main()["Parameters"].get(name, {}).get("Default", f"the {name}")


@pytest.mark.parametrize("name", SETTINGS)
def test_environment_is_what_the_code_reads(name: str) -> None:
    """Neither a variable that nobody reads nor one that is left to the code's default."""
    read = set(re.findall(r'"([A-Z][A-Z_]+)"', (SOURCE / SETTINGS[name]).read_text()))
    expected = read | LIMITS | OUTLETS | POWERTOOLS
    variables = set(function(name)["Environment"]["Variables"])
    assert variables <= expected
    assert expected - variables <= TUNING


def test_settings_read_the_environment_that_the_template_sets() -> None:
    """Names and values of the template are what the function's settings accept."""
    settings = Settings.from_environment(environment())
    assert settings.registry_uri == GIVEN["RegistryUri"]
    assert settings.registry_secret_arn is None
    assert (settings.model_name, settings.model_alias) == ("screen-time", "champion")
    assert (settings.shadow_share, settings.shadow_alias) == (0, "challenger")
    assert (settings.sample_interval_ms, settings.registry_refresh_seconds) == (1000, 5)
    assert (settings.max_attempts, settings.retry_delay_seconds, settings.lease_seconds) == (5, 60, 30)
    assert settings.max_video_bytes == main()["Parameters"]["MaxVideoBytes"]["Default"]
    assert settings.limits.seconds == main()["Parameters"]["MaxVideoSeconds"]["Default"]
    assert settings.limits.pixels == main()["Parameters"]["MaxVideoPixels"]["Default"]


def test_tasks_read_the_environment_that_the_template_sets() -> None:
    """What both functions have is the same for both: one model registry, one set of limits."""
    settings, tasks = (
        Settings.from_environment(environment()),
        TaskSettings.from_environment(environment("TasksFunction")),
    )
    assert (tasks.limits, tasks.results_bucket) == (settings.limits, settings.results_bucket)
    assert tasks.segment_concurrency == main()["Parameters"]["SegmentConcurrency"]["Default"]
    shared = ("MemorySize", "Timeout", "Architectures", "EphemeralStorage", "VpcConfig", "LoggingConfig")
    assert [function()[each] for each in shared] == [function("TasksFunction")[each] for each in shared]


@pytest.mark.parametrize("name", ["ResultsBucket", "ModelsBucket", "IdempotencyTable", "Queue"])
def test_settings_come_from_the_stacks_own_resources(name: str) -> None:
    """Nothing of the stack is named twice."""
    assert {"Ref": name} in function()["Environment"]["Variables"].values()


def test_image_runs_the_templates_command() -> None:
    """The image by itself starts the handler that the template names first, and the handlers' modules exist."""
    commands = [function(name)["ImageConfig"]["Command"][0] for name in SETTINGS]
    assert f'CMD ["{commands[0]}"]' in DOCKERFILE.read_text()
    for command in commands:
        module, _, attribute = command.rpartition(".")
        source = ROOT / "functions" / f"{module.replace('.', '/')}.py"
        assert re.search(rf"^def {attribute}\(", source.read_text(), re.MULTILINE)


def test_image_installs_only_what_is_locked() -> None:
    """Every library of the image comes from the lock, by its hash, as a wheel."""
    install = re.search(r"pip install(.*?)\n\n", DOCKERFILE.read_text(), re.DOTALL)
    assert install is not None
    for option in ("--require-hashes", "--no-deps", "--only-binary=:all:", "--requirement /tmp/function.txt"):
        assert option in install[1]


def test_what_the_dockerfile_copies_is_in_the_build_context() -> None:
    """`.dockerignore` lets exactly that through."""
    copied = set(re.findall(r"^COPY (?!--)(\S+)", DOCKERFILE.read_text(), re.MULTILINE))
    allowed = set(re.findall(r"^!(\S+)", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    assert copied == allowed
    assert all((ROOT / each).exists() for each in copied)


def test_function_is_traced_and_logs_where_lines_expire() -> None:
    """Lines go to a group of the template's own, as JSON."""
    assert function()["TracingConfig"] == {"Mode": "Active"}
    assert function()["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": {"Ref": "FunctionLogGroup"}}
    groups = resources(main(), "AWS::Logs::LogGroup").values()
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups)


def test_function_joins_a_vpc_only_when_asked() -> None:
    """Without subnets there is no VpcConfig at all."""
    assert function()["VpcConfig"]["Fn::If"][0] == "InVpc"
    assert function()["VpcConfig"]["Fn::If"][2] == {"Ref": "AWS::NoValue"}


@pytest.mark.parametrize(
    ("parameter", "good", "bad"),
    [
        ("Stage", "dev2", "Dev"),
        ("Stage", "a", "thirteenchars"),
        ("ImageUri", "123456789012.dkr.ecr.eu-central-1.amazonaws.com/screen-time:1.0", "screen-time"),
        ("ImageUri", f"123456789012.dkr.ecr.eu-central-1.amazonaws.com/a/b@sha256:{'0' * 64}", "a@sha256:12"),
        ("RegistryUri", "https://mlflow.example.com", "https://user:password@mlflow.example.com"),
        ("RegistryUri", "http://10.0.0.1:5000/mlflow", "mlflow.example.com"),
        ("RegistrySecretArn", "", "my-secret"),
        (
            "RegistrySecretArn",
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret:registry-AbCdEf",
            "arn:aws:s3:::x",
        ),
        ("AlarmEmail", "", "nobody"),
        ("AlarmEmail", "someone@example.com", "someone@"),
    ],
)
def test_parameters_accept_what_works_and_refuse_what_cannot(parameter: str, good: str, bad: str) -> None:
    """A wrong value is refused before anything is created; CloudFormation matches the whole value."""
    pattern = main()["Parameters"][parameter]["AllowedPattern"]
    assert re.fullmatch(pattern, good)
    assert not re.fullmatch(pattern, bad)
