"""Logger, tracer and metrics of the function: one of each.

Alarms and the dashboard of template.yaml name the same namespace and service.
"""

import warnings

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

# A test event or a duplicate counts nothing, which is no reason for a line on stderr.
warnings.filterwarnings("ignore", "No application metrics to publish")

NAMESPACE = "ScreenTime"
SERVICE = "screen-time"

logger = Logger(service=SERVICE)
tracer = Tracer(service=SERVICE)
metrics = Metrics(namespace=NAMESPACE, service=SERVICE)


def count(name: str, value: float = 1) -> None:
    """Add to a metric that counts."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def duration(name: str, seconds: float) -> None:
    """Record a metric of elapsed time or video time."""
    metrics.add_metric(name=name, unit=MetricUnit.Seconds, value=seconds)
