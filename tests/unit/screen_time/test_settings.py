"""The environment becomes settings, or a sentence that names the variable."""

import pytest

from screen_time.export_format import ExportFormat
from screen_time.outlets import OutletSettings
from screen_time.settings import Settings, SettingsError, interval_ms

ENOUGH = {
    "RESULTS_BUCKET": "results",
    "MODELS_BUCKET": "models",
    "IDEMPOTENCY_TABLE": "table",
    "QUEUE_URL": "https://sqs.example/queue",
    "REGISTRY_URI": "http://registry:5000/",
}


def test_what_is_not_set_has_its_documented_default() -> None:
    """A deployment needs to name only its own resources."""
    settings = Settings.from_environment(ENOUGH)
    assert settings.registry_uri == "http://registry:5000"
    assert settings.registry_secret_arn is None
    assert (settings.model_name, settings.model_alias) == ("screen-time", "champion")
    assert settings.sample_interval_ms == 1000
    assert settings.limits.seconds == 21600
    assert (settings.shadow_share, settings.shadow_alias) == (0, "challenger")


def test_what_is_set_is_taken() -> None:
    """Numbers may have fractions where that makes sense."""
    settings = Settings.from_environment(ENOUGH | {"SAMPLE_INTERVAL_SECONDS": "0.25", "MAX_VIDEO_SECONDS": "60"})
    assert settings.sample_interval_ms == 250
    assert settings.limits.seconds == 60


def test_the_decoder_gets_a_share_of_the_function_s_memory() -> None:
    """A hostile video runs into its own bound before Lambda ends the function, and an operator may set another."""
    function = ENOUGH | {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "2048"}
    assert 1000 < Settings.from_environment(function).limits.memory_bytes / 2**20 < 1200
    assert Settings.from_environment(function | {"MAX_DECODER_BYTES": "500"}).limits.memory_bytes == 500
    assert Settings.from_environment(ENOUGH).limits.memory_bytes == 3 * 2**30


def test_exports_are_a_list_and_nobody_is_told_unless_named() -> None:
    """Spaces and repetitions are no formats of their own."""
    assert Settings.from_environment(ENOUGH).outlets == OutletSettings()
    outlets = Settings.from_environment(ENOUGH | {"EXPORTS": "csv, vtt,csv", "EVENT_BUS_NAME": "default"}).outlets
    assert outlets == OutletSettings((ExportFormat.CSV, ExportFormat.VTT), "default")


@pytest.mark.parametrize("name", sorted(ENOUGH))
def test_a_missing_variable_is_named(name: str) -> None:
    """The start stops there."""
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment({key: value for key, value in ENOUGH.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REGISTRY_URI", "sqlite:///mlflow.db"),
        ("EXPORTS", "csv,xml"),
        ("SAMPLE_INTERVAL_SECONDS", "0"),
        ("SAMPLE_INTERVAL_SECONDS", "-1"),
        ("SAMPLE_INTERVAL_SECONDS", "0.0001"),
        ("SAMPLE_INTERVAL_SECONDS", "often"),
        ("SAMPLE_INTERVAL_SECONDS", "inf"),
        ("MAX_VIDEO_BYTES", "1.5"),
        ("MAX_VIDEO_SECONDS", "nan"),
        ("MAX_VIDEO_PIXELS", "0"),
        ("MAX_VIDEO_FRAMES", "many"),
        ("MAX_DECODER_BYTES", "0"),
        ("REGISTRY_REFRESH_SECONDS", "soon"),
        ("SHADOW_SHARE", "1.1"),
        ("SHADOW_SHARE", "nan"),
        ("SHADOW_SHARE", "some"),
    ],
)
def test_an_unusable_value_is_named(name: str, value: str) -> None:
    """Never a traceback about a number."""
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment(ENOUGH | {name: value})


def test_an_interval_is_a_whole_number_of_milliseconds() -> None:
    """So that sample times add up exactly."""
    assert interval_ms("0.5") == 500
    assert interval_ms("1") == 1000
    with pytest.raises(ValueError, match="whole number of milliseconds"):
        interval_ms("0.3333")
