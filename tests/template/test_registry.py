"""The registry on AWS: private, and started the way its image and MLflow expect."""

import json
import os
import re
import subprocess
import sys
from typing import Any

from mlflow.cli import server

from tests.template.cloudformation import ROOT, main, registry, resources

IMAGE = ROOT / "infra" / "mlflow"


CREATE = """
import json, sys, boto3
from moto import mock_aws

with mock_aws():
    cloudformation = boto3.client("cloudformation")
    cloudformation.create_stack(
        StackName="mlflow",
        TemplateBody=sys.stdin.read(),
        Parameters=[{"ParameterKey": "ImageTag", "ParameterValue": "1"}],
        Capabilities=["CAPABILITY_IAM"],
    )
    (stack,) = cloudformation.describe_stacks(StackName="mlflow")["Stacks"]
    resources = cloudformation.list_stack_resources(StackName="mlflow")["StackResourceSummaries"]
    print(json.dumps([stack["StackStatus"], [each["ResourceType"] for each in resources]]))
"""


def container() -> dict[str, Any]:
    (task,) = resources(registry(), "AWS::ECS::TaskDefinition").values()
    (definition,) = task["ContainerDefinitions"]
    return dict(definition)


def locked(path: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w-]+)==(\S+)", (ROOT / path).read_text(), re.MULTILINE))


def test_outputs_are_parameters_of_the_main_template() -> None:
    """What the registry gives is what the function asks for, under the same names."""
    outputs = set(registry()["Outputs"])
    assert {"RegistryUri", "RegistrySecretArn", "SubnetIds"} <= outputs & set(main()["Parameters"])
    assert "FunctionSecurityGroupId" in outputs


def test_network_has_no_way_to_the_internet() -> None:
    """Neither gateway, nor NAT, nor a public address."""
    kinds = {resource["Type"] for resource in registry()["Resources"].values()}
    assert not kinds & {"AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::Route", "AWS::EC2::EIP"}
    (balancer,) = resources(registry(), "AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    assert balancer["Scheme"] == "internal"
    (service,) = resources(registry(), "AWS::ECS::Service").values()
    assert service["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"


def test_every_service_that_is_used_has_an_endpoint() -> None:
    """Without a way out, what has no endpoint cannot be reached."""
    names = {
        endpoint["ServiceName"]["Fn::Sub"].removeprefix("com.amazonaws.${AWS::Region}.")
        for endpoint in resources(registry(), "AWS::EC2::VPCEndpoint").values()
    }
    assert names == {"s3", "dynamodb", "ecr.api", "ecr.dkr", "logs", "secretsmanager", "sqs", "events", "ssmmessages"}


def test_nobody_is_let_in_from_everywhere() -> None:
    """Every way in is from another group or from the addresses that were given."""
    rules = list(resources(registry(), "AWS::EC2::SecurityGroupIngress").values())
    for group in resources(registry(), "AWS::EC2::SecurityGroup").values():
        rules += group.get("SecurityGroupIngress", [])
    assert rules
    assert all("SourceSecurityGroupId" in rule or rule["CidrIp"] == {"Ref": "ClientCidr"} for rule in rules)


def test_database_is_private_encrypted_backed_up_and_hard_to_delete() -> None:
    """It holds every run, version, alias and user; its password is known to Secrets Manager alone."""
    (database,) = resources(registry(), "AWS::RDS::DBInstance").values()
    assert (database["StorageEncrypted"], database["PubliclyAccessible"]) == (True, False)
    assert database["DeletionProtection"] is True
    assert registry()["Parameters"]["BackupRetentionDays"]["Default"] >= 7
    assert "{{resolve:secretsmanager:" in database["MasterUserPassword"]["Fn::Sub"]


def test_database_is_reached_with_tls_only() -> None:
    """RDS forces it from PostgreSQL 15 on, unless a parameter group says otherwise; the client insists on it too."""
    (database,) = resources(registry(), "AWS::RDS::DBInstance").values()
    assert int(database["EngineVersion"]) >= 15
    assert "DBParameterGroupName" not in database
    assert {"Name": "PGSSLMODE", "Value": "require"} in container()["Environment"]


def test_moto_creates_it() -> None:
    """As it is, in a process that knows nothing of the local stack's extensions of moto."""
    credentials = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CREATE],
        input=json.dumps(registry()),
        env={"PATH": os.environ["PATH"], "AWS_DEFAULT_REGION": "us-east-1", **credentials},
        capture_output=True,
        text=True,
        check=True,
    )
    status, created = json.loads(answer.stdout)
    assert status == "CREATE_COMPLETE"
    assert {"AWS::ECS::Service", "AWS::RDS::DBInstance", "AWS::ElasticLoadBalancingV2::LoadBalancer"} <= set(created)


def test_admin_secret_is_what_the_function_reads() -> None:
    """JSON with `username` and `password`, so that RegistrySecretArn can name it directly."""
    secret = resources(registry(), "AWS::SecretsManager::Secret")["AdminSecret"]["GenerateSecretString"]
    assert secret["SecretStringTemplate"] == '{"username": "admin"}'
    assert secret["GenerateStringKey"] == "password"


def test_passwords_reach_the_server_as_secrets() -> None:
    """None is in the task's plain environment or on its command line."""
    secrets = {each["Name"] for each in container()["Secrets"]}
    assert secrets == {
        "PGUSER",
        "PGPASSWORD",
        "MLFLOW_AUTH_ADMIN_USERNAME",
        "MLFLOW_AUTH_ADMIN_PASSWORD",
        "MLFLOW_FLASK_SERVER_SECRET_KEY",
    }
    assert not secrets & {each["Name"] for each in container()["Environment"]}


def test_command_line_is_one_that_mlflow_understands() -> None:
    """The image's command and the template's additions are options of `mlflow server`."""
    entrypoint = re.search(r"ENTRYPOINT \[(.*?)\]", (IMAGE / "Dockerfile").read_text(), re.DOTALL)
    assert entrypoint is not None
    used = set(re.findall(r'"(--[\w-]+)"', entrypoint[1]))
    used |= {each for each in container()["Command"] if isinstance(each, str)}
    assert {"--app-name", "--backend-store-uri", "--artifacts-destination", "--allowed-hosts"} <= used
    assert used <= {option for parameter in server.params for option in parameter.opts}


def test_server_answers_to_its_own_address() -> None:
    """MLflow compares host names letter by letter, and clients send them in lower case."""
    (balancer,) = resources(registry(), "AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    name = balancer["Name"]["Fn::Sub"].replace("${Stage}", "s" * 12)
    assert name == name.lower()
    assert len(name) <= 32


def test_registry_runs_the_mlflow_that_training_uses() -> None:
    """One version on both sides; the database driver is the one that the addresses name."""
    image, training = locked("infra/mlflow/requirements.txt"), locked("requirements/local.txt")
    assert image["mlflow"] == training["mlflow"]
    assert "psycopg2-binary" in image
    for name in ("Dockerfile", "basic_auth.ini"):
        assert "postgresql+psycopg2://" in (IMAGE / name).read_text()


def test_server_does_not_run_as_root() -> None:
    """Image and task agree on the user."""
    assert f"USER {container()['User']}\n" in (IMAGE / "Dockerfile").read_text()
