"""From the SAM template to CloudFormation, offline."""

import json
from pathlib import Path
from typing import Any

import boto3

from infra.local.aws import REGION
from infra.local.errors import LocalStackError

Template = dict[str, Any]


def translate(path: Path) -> Template:
    """The SAM template at `path` as plain CloudFormation; raises LocalStackError where it is not a valid one."""
    # Half a second of imports, needed only once somebody starts a stack.
    from samtranslator.model.exceptions import InvalidDocumentException
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator
    from samtranslator.yaml_helper import yaml_parse

    try:
        source = yaml_parse(path.read_text())
        _include_definitions(source, path.parent)
        # No managed policies by name: looking them up would need IAM.
        translator = Translator({}, Parser(), boto_session=boto3.Session(region_name=REGION))
        translated: Template = translator.translate(source, {})
    except OSError as error:
        raise LocalStackError(f"the template {path} cannot be read: {error.strerror}") from error
    except InvalidDocumentException as error:
        raise LocalStackError(f"the template {path} cannot be translated: {error.message}") from error
    return translated


def _include_definitions(source: Template, directory: Path) -> None:
    """Put state machines' definitions where the template names their files, as `sam package` uploads them."""
    for resource in source.get("Resources", {}).values():
        properties = resource.get("Properties", {})
        if resource.get("Type") == "AWS::Serverless::StateMachine" and "DefinitionUri" in properties:
            properties["Definition"] = json.loads((directory / properties.pop("DefinitionUri")).read_text())


def stack_parameters(template: Template, values: dict[str, str]) -> list[dict[str, str]]:
    """`values` as CloudFormation takes them; raises LocalStackError for one that the template has no parameter for."""
    if unknown := values.keys() - template.get("Parameters", {}).keys():
        raise LocalStackError(f"the template has no parameters {', '.join(sorted(unknown))}")
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()]
