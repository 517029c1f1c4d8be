"""The registry's credentials, from Secrets Manager to a request's header."""

import base64

import boto3
import pytest

from screen_time.credentials import authorization
from screen_time.errors import RegistryError


def secret(text: str) -> str:
    return str(boto3.client("secretsmanager").create_secret(Name="registry", SecretString=text)["ARN"])


def test_username_and_password_become_basic_authentication(aws: None) -> None:
    """What this project's own MLflow server asks for."""
    arn = secret('{"username": "reader", "password": "hidden"}')
    headers = authorization(boto3.client("secretsmanager"), arn)()
    assert headers == {"authorization": "Basic " + base64.b64encode(b"reader:hidden").decode()}


def test_a_token_becomes_bearer_authentication(aws: None) -> None:
    """What hosted servers ask for."""
    arn = secret('{"token": "hidden"}')
    assert authorization(boto3.client("secretsmanager"), arn)() == {"Authorization": "Bearer hidden"}


def test_a_rotated_secret_is_read_anew(aws: None) -> None:
    """Each call reads it: the registry asks again after a refusal."""
    arn = secret('{"token": "old"}')
    headers = authorization(boto3.client("secretsmanager"), arn)
    assert headers()["Authorization"] == "Bearer old"
    boto3.client("secretsmanager").put_secret_value(SecretId=arn, SecretString='{"token": "new"}')
    assert headers()["Authorization"] == "Bearer new"


@pytest.mark.parametrize("text", ["hidden", '{"password": "hidden"}', '["hidden"]', '"hidden"'])
def test_a_secret_of_another_form_is_an_error_that_does_not_tell_it(aws: None, text: str) -> None:
    """The message goes to the log."""
    arn = secret(text)
    with pytest.raises(RegistryError) as caught:
        authorization(boto3.client("secretsmanager"), arn)()
    assert "hidden" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_secret_that_is_not_there_is_a_transient_error(aws: None) -> None:
    """Somebody may be about to create it."""
    with pytest.raises(RegistryError, match="cannot be read"):
        authorization(boto3.client("secretsmanager"), "registry")()
