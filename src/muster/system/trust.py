"""Whose certificates clients of the service believe: those that the machine does, and those of `service.ca`."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import TypeVar

from muster.base.errors import UsageError
from muster.system.definition import SystemDefinition

# By this the processes of a drill find the file with the certificates.
CA_VARIABLE = "MUSTER_SERVICE_CA"
C = TypeVar("C", bound=ssl.SSLContext)


def authority(system: SystemDefinition) -> Path | None:
    """The file that `service.ca` names; None where it names none.

    Raises:
        UsageError: the environment variable that is to name it is not set, or the file holds no certificates.
    """
    said = system.service.ca
    if said is None:
        return None
    path = system.directory / (said if isinstance(said, str) else said.held("service.ca"))
    try:
        ssl.create_default_context(cafile=path)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        why = error.strerror if isinstance(error, FileNotFoundError | PermissionError) else "it holds no certificates"
        raise UsageError(f"service.ca: {path} cannot be used: {why}") from error
    return path.absolute()


def trust(system: SystemDefinition) -> None:
    """Have this process, and those that it starts from now on, believe whom `service.ca` names.

    Raises:
        UsageError: see `authority`.
    """
    os.environ.pop(CA_VARIABLE, None)
    if (path := authority(system)) is not None:
        os.environ[CA_VARIABLE] = str(path)


def believing(context: C) -> C:
    """A context for TLS that believes whom this process was told to."""
    if path := os.environ.get(CA_VARIABLE):
        context.load_verify_locations(cafile=path)
    return context
