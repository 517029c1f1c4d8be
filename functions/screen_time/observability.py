"""Logger, tracer and metrics of the function: one of each, set up by the POWERTOOLS_* environment variables."""

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger()
tracer = Tracer()
metrics = Metrics()


def count(name: str, value: float = 1) -> None:
    """Add to a metric that counts."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def duration(name: str, seconds: float) -> None:
    """Record a metric of elapsed time or video time."""
    metrics.add_metric(name=name, unit=MetricUnit.Seconds, value=seconds)
