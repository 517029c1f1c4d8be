"""The registry's credentials, kept in Secrets Manager and turned into request headers."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import urllib3
from botocore.exceptions import BotoCoreError, ClientError

from screen_time.errors import RegistryError
from screen_time.registry import Headers

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


def authorization(client: "SecretsManagerClient", secret_arn: str) -> Callable[[], Headers]:
    """A function that reads the secret and gives the headers of basic or bearer authentication.

    The secret is JSON: {"username": …, "password": …} or {"token": …}. The function raises RegistryError, whose
    message never holds what the secret holds.
    """

    def headers() -> Headers:
        try:
            secret = json.loads(client.get_secret_value(SecretId=secret_arn)["SecretString"])
            if "token" in secret:
                return {"Authorization": f"Bearer {secret['token']}"}
            return urllib3.make_headers(basic_auth=f"{secret['username']}:{secret['password']}")
        except (ClientError, BotoCoreError) as error:
            raise RegistryError(f"The registry's credentials cannot be read: {error}") from error
        except (ValueError, KeyError, TypeError):
            raise RegistryError(
                'The registry\'s secret must be JSON with "username" and "password", or with "token".'
            ) from None

    return headers
