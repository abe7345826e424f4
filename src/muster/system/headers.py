"""Headers of requests, for services that want to know who asks; a secret among them is named, never written down."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter

from muster.base.errors import UsageError
from muster.system.schema import Strict

# What processes of a drill find the system's headers in, as system.yaml has them: names of variables, no values.
HEADERS_VARIABLE = "MUSTER_HEADERS"
# A request's framing is the client's own.
_OWN = ("host", "connection", "content-length", "content-type", "transfer-encoding", "upgrade", "expect", "te")
_SECRET = re.compile(r"auth|cookie|token|secret|passw|api-?key|credential|session", re.IGNORECASE)
_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?")


class FromEnvironment(Strict):
    """The value of a header, `prefix` with what the environment variable `env` holds behind it."""

    env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    prefix: Annotated[str, Field(pattern=r"^[ -~]*$")] = ""


def _either(value: Any) -> Any:
    """A text or a reference, told apart before either is looked at, so that no message quotes what may be a secret."""
    if isinstance(value, FromEnvironment | str):
        return value
    if isinstance(value, dict):
        return FromEnvironment.model_validate(value)
    raise ValueError("right would be a text, or {env: NAME} for what an environment variable holds")


def _fit(headers: dict[str, str | FromEnvironment]) -> dict[str, str | FromEnvironment]:
    for name, value in headers.items():
        if name.lower() in _OWN:
            raise ValueError(f"'{name}' is set by muster itself")
        if isinstance(value, str) and _SECRET.search(name):
            raise ValueError(f"a secret does not belong here: right would be {name}: {{env: NAME, prefix: 'Bearer '}}")
        if isinstance(value, str) and not _VALUE.fullmatch(value):
            raise ValueError(f"what '{name}' is to hold is empty or no text that a header may hold")
    if len({name.lower() for name in headers}) < len(headers):
        raise ValueError("it names a header twice, which are not told apart by capitals")
    return headers


HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
HeaderValue = Annotated[str | FromEnvironment, BeforeValidator(_either)]
Headers = Annotated[dict[HeaderName, HeaderValue], AfterValidator(_fit)]

_ADAPTER: TypeAdapter[dict[str, str | FromEnvironment]] = TypeAdapter(Headers)


def resolved(headers: Mapping[str, str | FromEnvironment]) -> dict[str, str]:
    """The headers as they are sent.

    Raises:
        UsageError: a variable is not set, or holds what no header may; its value is not quoted.
    """
    return {name: value if isinstance(value, str) else _held(name, value) for name, value in headers.items()}


def to_environment(headers: Mapping[str, str | FromEnvironment]) -> str:
    """What HEADERS_VARIABLE is set to."""
    said = {name: value if isinstance(value, str) else value.model_dump() for name, value in headers.items()}
    return json.dumps(said)


def of_environment() -> dict[str, str]:
    """The headers that this process's environment names, as they are sent; none where it names none.

    Raises:
        UsageError: one of them cannot be had.
    """
    said = os.environ.get(HEADERS_VARIABLE)
    return {} if not said else resolved(_ADAPTER.validate_json(said))


def _held(name: str, value: FromEnvironment) -> str:
    held = os.environ.get(value.env, "").strip()
    if not held:
        raise UsageError(f"header '{name}' is to hold what environment variable {value.env} holds, which is not set")
    if not _VALUE.fullmatch(whole := f"{value.prefix}{held}"):
        raise UsageError(f"header '{name}': the environment variable {value.env} holds what no header may")
    return whole
