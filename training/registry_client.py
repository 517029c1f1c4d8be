"""MLflow's client as the command line needs it: it does not hang, and whatever goes wrong is one sentence."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from screen_time.errors import RegistryError
from training.environment import set_defaults

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

TRAIN_ONE = "train one: screen-time train --video V --labels CSV --promote"
_LOCAL = "sqlite:///"


@contextmanager
def registry_client(*, create: bool = False) -> Iterator["MlflowClient"]:
    """A client of the registry; a local store that does not exist is only made where `create` says so.

    Raises RegistryError.
    """
    with mlflow_sentences():
        import mlflow

        address = mlflow.get_tracking_uri()
        if not create and address.startswith(_LOCAL) and not Path(address.removeprefix(_LOCAL)).exists():
            raise RegistryError(f"There is no model registry at {address}; {TRAIN_ONE}")
        yield mlflow.MlflowClient()


@contextmanager
def mlflow_sentences() -> Iterator[None]:
    """Turn what MLflow, or the database below it, raises in the body into RegistryError with one sentence."""
    set_defaults()
    import mlflow
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    silence_mlflow()
    try:
        yield
    except MlflowException as error:
        address = mlflow.get_tracking_uri()
        raise RegistryError(f"The model registry at {address} answers: {first_line(error)}{_remedy(error)}") from error
    except SQLAlchemyError as error:
        # A first command that was killed while it made the store leaves one that is half made.
        address = mlflow.get_tracking_uri()
        raise RegistryError(
            f"The model registry at {address} is damaged or half made ({first_line(error)}); "
            "if it holds nothing that you need, delete it and train again."
        ) from error


def silence_mlflow() -> None:
    """Keep MLflow's and its database's log lines off the terminal; errors reach it as exceptions."""
    from mlflow.utils.logging_utils import disable_logging

    disable_logging()  # type: ignore[no-untyped-call]
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)


def first_line(error: Exception) -> str:
    """What an exception says, without what follows."""
    return str(error).partition("\n")[0]


def _remedy(error: "MlflowException") -> str:
    """What a person can do about it, as a clause; nothing where nobody knows."""
    text = str(error)
    if error.error_code == "RESOURCE_DOES_NOT_EXIST" or "alias" in text:
        return f" ({TRAIN_ONE})"
    if "Max retries exceeded" in text or "Connection" in text:
        return " (start the server, or set MLFLOW_TRACKING_URI to where it is)"
    return ""
