"""The templates as the tests read them: parsed, and the main one translated as the local stack translates it."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from infra.local.template import translate

Document = dict[str, Any]

ROOT = Path(__file__).parents[2]
MAIN = ROOT / "template.yaml"
REGISTRY = ROOT / "infra" / "mlflow" / "template.yaml"


@cache
def main() -> Document:
    """The main template as CloudFormation creates it."""
    return translate(MAIN)


@cache
def registry() -> Document:
    """The registry's template, which needs no translation."""
    document: Document = yaml_parse(REGISTRY.read_text())
    return document


def resources(template: Document, kind: str) -> dict[str, Document]:
    """Properties of all resources of a type, by logical id."""
    return {name: each["Properties"] for name, each in template["Resources"].items() if each["Type"] == kind}


def policies(template: Document, kind: str, target: str) -> dict[str, Document]:
    """Policy documents of a type, by the logical id of what they protect (`target` is the property that says)."""
    found = {}
    for properties in resources(template, kind).values():
        protected = properties[target]
        for reference in protected if isinstance(protected, list) else [protected]:
            found[reference["Ref"]] = properties["PolicyDocument"]
    return found


def role_statements(template: Document, only: str | None = None) -> Iterator[Document]:
    """Every statement that grants a role something; `only` those of one role, by its logical id."""
    for name, role in resources(template, "AWS::IAM::Role").items():
        if only in (None, name):
            for policy in role.get("Policies", []):
                yield from policy["PolicyDocument"]["Statement"]
    for policy in resources(template, "AWS::IAM::Policy").values():
        if only is None or {"Ref": only} in policy["Roles"]:
            yield from policy["PolicyDocument"]["Statement"]


def several(value: Any) -> list[Any]:
    """A policy's element, which may be one thing or a list of them."""
    return value if isinstance(value, list) else [value]
