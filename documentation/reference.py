"""Reference pages made from the code itself: commands, settings, parameters, fields of the documents."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

ROOT = Path(__file__).resolve().parents[1]
PLACEHOLDER = "https://placeholder.invalid"


def command_line() -> str:
    """Every command with its arguments, options and example, as the commands themselves explain them."""
    import typer.main
    from typer.cli import get_docs_for_click

    from cli.main import app

    group = typer.main.get_command(app)
    context: Any = group.make_context("screen-time", [], resilient_parsing=True)
    text = get_docs_for_click(obj=group, ctx=context, name="screen-time", title="Command line")
    # Examples are coloured in the terminal; here they are code.
    text = re.sub(r"Example: \[cyan\](.+?)\[/cyan\]", r"Example:\n\n```console\n$ \1\n```\n", text)
    return re.sub(r"(<[a-z ]+>)", lambda match: match[1].upper(), text)


def settings() -> str:
    """The template's parameters, and the environment variables that the function reads."""
    template = _template()
    parameters = "\n".join(_row(*each) for each in _parameters(template))
    return (
        "# Settings and parameters\n\n"
        "## Parameters of the template\n\n"
        "Given at deployment: `sam deploy --parameter-overrides NAME=VALUE`, or locally "
        "`screen-time up --parameter NAME=VALUE`.\n\n"
        "| parameter | default | what it decides |\n| --- | --- | --- |\n" + parameters + "\n\n"
        "## Environment\n\n"
        "Read once at the start; a value that cannot be used stops it with the variable's name. The template sets all "
        "of them.\n\n"
        + _environment(template, "settings", "Settings", "The function that measures")
        + _environment(template, "task_settings", "TaskSettings", "The tasks of the state machine")
    )


def schema(path: Path) -> str:
    """The fields of a document by its JSON Schema, and where the schema itself lies."""
    document = json.loads(path.read_text(encoding="utf-8"))
    rows = "\n".join(_row(*each) for each in _fields(document, document, ""))
    return (
        f"# {document['title']}\n\n{document['description']}\n\n"
        f"The schema itself: [{path.name}](../{path.name}) ({document['$schema']}).\n\n"
        f"| field | type | what it says |\n| --- | --- | --- |\n{rows}\n"
    )


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable: its default, and what the template sets it to."""

    name: str
    default: str
    source: str


def _environment(template: dict[str, Any], module: str, settings: str, title: str) -> str:
    """A table of the variables that one settings object reads."""
    asked = _asked(module, settings)
    given = _given(template, set(asked))
    rows = [_row(f"`{each.name}`", each.default, each.source) for each in _variables(asked, given)]
    head = "| variable | default | set by the template |\n| --- | --- | --- |\n"
    return f"### {title}\n\n{head}" + "\n".join(rows) + "\n\n"


def _asked(module: str, settings: str) -> dict[str, str | None]:
    """Every variable that a settings object asks for, in its order, with its default: seen by letting it ask."""
    from screen_time import settings as readers

    asked: dict[str, str | None] = {}

    class Recorder(readers.Reader):
        """Answers with the default, or with a placeholder where there is none."""

        def text(self, name: str, default: str | None = None) -> str:
            """Note what was asked for."""
            asked[name] = default
            return PLACEHOLDER if default is None else default

        def optional(self, name: str) -> str | None:
            """Note what was asked for."""
            asked[name] = ""
            return None

    found = import_module(f"screen_time.{module}")
    with patch.object(found, "Reader", Recorder):
        getattr(found, settings).from_environment({})
    return asked


def _given(template: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """The environment of the function that is given the most of these variables."""
    environments = [
        each["Properties"].get("Environment", {}).get("Variables", {})
        for each in template["Resources"].values()
        if each["Type"] == "AWS::Serverless::Function"
    ]
    best: dict[str, Any] = max(environments, key=lambda each: len(names & set(each)))
    return best


def _variables(asked: dict[str, str | None], given: dict[str, Any]) -> Iterator[Variable]:
    for name, default in asked.items():
        said = "required" if default is None else f"`{default}`" if default else "none"
        yield Variable(name, said, _source(given.get(name)))


def _source(value: Any) -> str:  # noqa: ANN401 (as CloudFormation has it)
    """Where the template takes a value from, in words."""
    if value is None:
        return "no"
    if not isinstance(value, dict):
        return f"`{value}`"
    ((function, argument),) = value.items()
    if function == "Ref":
        return f"`{argument}`"
    if function == "Fn::If":
        return f"{_source(argument[1])}, if given"
    return f"`{argument if isinstance(argument, str) else '.'.join(map(str, argument))}`"


def _template() -> dict[str, Any]:
    from samtranslator.yaml_helper import yaml_parse

    template: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    return template


def _parameters(template: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, parameter in template["Parameters"].items():
        default = parameter.get("Default")
        said = "required" if default is None else f"`{default}`" if str(default) else "none"
        yield f"`{name}`", said, parameter.get("Description", "")


def _fields(part: dict[str, Any], whole: dict[str, Any], prefix: str) -> Iterator[tuple[str, str, str]]:
    """Each field below `part`, depth first; list items as `[]`, free names as `NAME`."""
    part = _followed(part, whole)
    for each in (part, *(_followed(choice, whole) for choice in (*part.get("oneOf", ()), *part.get("anyOf", ())))):
        for name, field in each.get("properties", {}).items():
            yield from _field(field, whole, f"{prefix}.{name}" if prefix else name)
        if isinstance(each.get("additionalProperties"), dict):
            yield from _field(each["additionalProperties"], whole, f"{prefix}.NAME" if prefix else "NAME")
        if "items" in each:
            yield from _fields(each["items"], whole, f"{prefix}[]")


def _field(field: dict[str, Any], whole: dict[str, Any], address: str) -> Iterator[tuple[str, str, str]]:
    described = field.get("description", "")
    field = _followed(field, whole)
    yield f"`{address}`", _type(field, whole), described or field.get("description", "")
    yield from _fields(field, whole, address)


def _followed(part: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    """What a `$ref` within the schema leads to."""
    while "$ref" in part:
        found: Any = whole
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part


def _type(field: dict[str, Any], whole: dict[str, Any]) -> str:
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    if "enum" in field:
        return ", ".join(f"`{json.dumps(each)}`" for each in field["enum"])
    if "type" in field:
        return " or ".join([field["type"]] if isinstance(field["type"], str) else field["type"])
    choices = [*field.get("oneOf", ()), *field.get("anyOf", ())]
    return " or ".join(dict.fromkeys(_type(_followed(each, whole), whole) for each in choices)) or "any"


def _row(*cells: str) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"
