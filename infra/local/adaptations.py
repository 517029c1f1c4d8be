"""All in which the local stack differs from the deployed template, in one place."""

import copy
import json
import os
from typing import Any

from infra.local.template import Template

TLS_ONLY = "aws:SecureTransport"

IMAGE = "local/screen-time:local"
"""Stands for the image's address, which means nothing here: functions run from the source tree."""

WORKERS = "SegmentConcurrency"
"""The parameter that says how many workers of a long video run at a time."""


def without_tls_only(template: Template) -> Template:
    """A translated template without the policy statements that demand TLS.

    The local endpoint speaks plain HTTP; and moto, which ignores conditions, takes such a statement for one that
    denies everybody everything.
    """
    adapted = copy.deepcopy(template)
    for resource in adapted["Resources"].values():
        if resource["Type"] in ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"):
            document = resource["Properties"]["PolicyDocument"]
            document["Statement"] = [each for each in document["Statement"] if TLS_ONLY not in json.dumps(each)]
    return adapted


def local_parameters(template: Template, registry_uri: str) -> dict[str, str]:
    """Values for those parameters of the template that the stack itself knows."""
    known: dict[str, Any] = template.get("Parameters", {})
    workers = str(concurrency(known.get(WORKERS, {}).get("Default", 1)))
    values = {"ImageUri": IMAGE, "RegistryUri": registry_uri, WORKERS: workers}
    return {name: value for name, value in values.items() if name in known}


def concurrency(deployed: int) -> int:
    """How many batches of a queue, or workers of a video, run at a time where `deployed` may on AWS.

    As many as there are processors, though at least the 2 that Lambda accepts: on AWS each environment brings its
    own.
    """
    return min(deployed, max(2, os.cpu_count() or 2))
