"""Logger, tracer and metrics of the function: one of each, for the service that POWERTOOLS_SERVICE_NAME names."""

import warnings

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from screen_time.errors import TimeLimitError

# A test event or a duplicate counts nothing, which is no reason for a line on stderr.
warnings.filterwarnings("ignore", "No application metrics to publish")

NAMESPACE = "ScreenTime"
"""Of the metrics, which template.yaml's alarms and dashboard read."""

logger = Logger()
# By default it imports whatever else is installed and can be traced.
tracer = Tracer(patch_modules=("botocore",))
metrics = Metrics(namespace=NAMESPACE)


def count(name: str, value: float = 1, **dimensions: str) -> None:
    """Add to a metric that counts; with `dimensions` to one that is counted apart for each of their values."""
    _emit(name, MetricUnit.Count, value, dimensions)


def duration(name: str, seconds: float) -> None:
    """Record a metric of elapsed time or video time."""
    _emit(name, MetricUnit.Seconds, seconds, {})


def share(name: str, value: float, **dimensions: str) -> None:
    """Record a share or a probability, 0 … 1."""
    _emit(name, MetricUnit.NoUnit, value, dimensions)


def percent(name: str, value: float) -> None:
    """Record a part of a whole, 0 … 100."""
    _emit(name, MetricUnit.Percent, value, {})


def tell_failed_attempt(error: Exception, *, is_last: bool) -> None:
    """Say why an attempt failed, and whether the queue makes another one."""
    kind = type(error).__name__
    if isinstance(error, TimeLimitError):
        count("OutOfTime")
    count("AttemptsFailed", error=kind)
    if is_last:
        count("GivenUp")
        logger.error("given up: the message goes to the dead-letter queue", reason=str(error), error=kind)
    else:
        logger.warning("the queue tries again", reason=str(error), error=kind)


def _emit(name: str, unit: MetricUnit, value: float, dimensions: dict[str, str]) -> None:
    if not dimensions:
        metrics.add_metric(name=name, unit=unit, value=value)
        return
    apart = EphemeralMetrics(namespace=NAMESPACE)
    for dimension, of in dimensions.items():
        apart.add_dimension(name=dimension, value=of)
    apart.add_metric(name=name, unit=unit, value=value)
    apart.flush_metrics()
