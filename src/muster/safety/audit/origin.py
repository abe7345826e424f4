"""Who acts, and from where, as the environment says; and what of a text must not be kept."""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from muster.base.masking import masked

# The address of the running job, by the variable that the pipeline's own documentation names for it.
CI_JOB_VARIABLES = ("CI_JOB_URL", "BUILD_URL", "BUILDKITE_BUILD_URL", "CIRCLE_BUILD_URL", "TRAVIS_JOB_WEB_URL")


def who() -> str:
    """Whom the environment names as acting: the user, and that it is a pipeline where it is one."""
    user = os.environ.get("USER") or os.environ.get("LOGNAME") or _of_system()
    return f"{user} (CI)" if os.environ.get("CI") else user


def _of_system() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # in a container, a number may be nobody
        return f"uid {os.getuid()}"


def host() -> str:
    """The name of this machine."""
    return socket.gethostname()


def ci_job(environment: Mapping[str, str] | None = None) -> str | None:
    """The address of the pipeline's job in which this runs, without credentials; None where nothing tells."""
    said = os.environ if environment is None else environment
    if (server := said.get("GITHUB_SERVER_URL")) and (repository := said.get("GITHUB_REPOSITORY")):
        job = f"{server}/{repository}/actions/runs/{said.get('GITHUB_RUN_ID', '')}"
    else:
        job = next((said[name] for name in CI_JOB_VARIABLES if said.get(name)), "")
    if not job:
        return None
    try:
        parts = urlsplit(job)
    except ValueError:
        return masked(job)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def fit(value: Any) -> Any:
    """A value as it may be kept: as JSON, with its texts masked and of characters that UTF-8 has."""
    if isinstance(value, str):
        return masked(value).encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {str(key): fit(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [fit(inner) for inner in value]
    return value if value is None or isinstance(value, bool | int | float) else fit(str(value))
