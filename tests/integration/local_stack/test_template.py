"""The deployed template becomes plain CloudFormation, and what is changed in it is what `adaptations` says."""

from pathlib import Path

import pytest

from infra.local import adaptations
from infra.local.errors import LocalStackError
from infra.local.template import translate


def test_only_demands_of_tls_are_left_out(root: Path) -> None:
    """Every other statement of every policy, and every other resource, stays as it is."""
    template = translate(root / "template.yaml")
    adapted = adaptations.without_tls_only(template)
    assert adapted["Resources"].keys() == template["Resources"].keys()
    for name, resource in template["Resources"].items():
        if resource["Type"] not in ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"):
            assert adapted["Resources"][name] == resource
            continue
        before, after = (
            each["Resources"][name]["Properties"]["PolicyDocument"]["Statement"] for each in (template, adapted)
        )
        assert [each for each in before if each not in after] == [each for each in before if each["Sid"] == "TlsOnly"]


def test_concurrency_is_the_deployed_one_or_what_this_machine_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never more than deployed, never more than processors, and never less than the 2 that Lambda accepts."""
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert [adaptations.concurrency(deployed) for deployed in (2, 3, 5, 100)] == [2, 3, 4, 4]
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert adaptations.concurrency(5) == 2


def test_missing_template_is_one_sentence(tmp_path: Path) -> None:
    """The path is named."""
    with pytest.raises(LocalStackError, match=r"template\.yaml cannot be read"):
        translate(tmp_path / "template.yaml")


def test_invalid_template_is_one_sentence(tmp_path: Path) -> None:
    """What SAM says is passed on."""
    path = tmp_path / "template.yaml"
    path.write_text("Transform: AWS::Serverless-2016-10-31\nResources: {F: {Type: AWS::Serverless::Function}}\n")
    with pytest.raises(LocalStackError, match="cannot be translated"):
        translate(path)
