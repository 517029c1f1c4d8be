"""The linter finds nothing, in the templates as written and as created; no rule is left out."""

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cfnlint.api import lint

from tests.template.cloudformation import MAIN, REGISTRY, Document, main

REGIONS = ["us-east-1", "eu-central-1"]


def findings(text: str) -> list[str]:
    return [f"{match.rule.id} {match.message}" for match in lint(text, regions=REGIONS)]


@pytest.mark.parametrize("path", [MAIN, REGISTRY], ids=["main", "registry"])
def test_template_as_written_is_clean(path: Path) -> None:
    """The linter's rules for SAM and CloudFormation all hold."""
    assert findings(path.read_text()) == []


def test_translated_template_is_clean() -> None:
    """What only shows after translation (time-outs against each other, batch ranges, circles) holds too."""
    assert findings(json.dumps(main())) == []


def circle(template: Document) -> None:
    policy = template["Resources"]["QueuePolicy"]["Properties"]["PolicyDocument"]["Statement"][0]
    policy["Condition"]["ArnEquals"]["aws:SourceArn"] = {"Fn::GetAtt": ["VideosBucket", "Arn"]}


def short_visibility(template: Document) -> None:
    template["Parameters"]["VisibilityTimeout"]["Default"] = 360
    template["Resources"]["Queue"]["Properties"]["VisibilityTimeout"] = 360
    template["Resources"]["Function"]["Properties"]["Timeout"] = 900


@pytest.mark.parametrize(("spoil", "rule"), [(circle, "E3004"), (short_visibility, "E3505")])
def test_linter_would_see_what_aws_refuses(spoil: Callable[[Document], None], rule: str) -> None:
    """The clean results above mean something: a circle and a visibility time-out that is too short are found."""
    template = copy.deepcopy(main())
    spoil(template)
    assert any(finding.startswith(rule) for finding in findings(json.dumps(template)))
