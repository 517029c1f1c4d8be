"""Logger, tracer and metrics of the function: one of each, for the service that POWERTOOLS_SERVICE_NAME names."""

import warnings

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

# A test event or a duplicate counts nothing, which is no reason for a line on stderr.
warnings.filterwarnings("ignore", "No application metrics to publish")

NAMESPACE = "ScreenTime"
"""Of the metrics, which template.yaml's alarms and dashboard read."""

logger = Logger()
tracer = Tracer()
metrics = Metrics(namespace=NAMESPACE)


def count(name: str, value: float = 1) -> None:
    """Add to a metric that counts."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def duration(name: str, seconds: float) -> None:
    """Record a metric of elapsed time or video time."""
    metrics.add_metric(name=name, unit=MetricUnit.Seconds, value=seconds)
