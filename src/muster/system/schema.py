"""What the parts of `system.yaml` are made of: names, seconds, dotted paths, addresses."""

from __future__ import annotations

import os
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from muster.base.errors import UsageError

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Ratio = Annotated[float, Field(gt=0, lt=1)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]
DottedPath = Annotated[str, Field(pattern=r"^[^.]+(\.[^.]+)*$")]


class Strict(BaseModel):
    """What is not known is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def base_url(url: str, *, before: str = "the paths") -> str:
    """Check what paths are appended to, and return it without a slash at its end.

    Raises:
        ValueError: it is no address over HTTP, or says more than that.
    """
    parts = urlsplit(url)
    parts.port  # noqa: B018  (looking at it raises where it is none)
    if "@" in parts.netloc:
        raise ValueError("a secret does not belong into an address")  # and not into a message either
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"right would be what stands before {before}, such as https://shop.example:8443, not '{url}'")
    return url.rstrip("/")


BaseUrl = Annotated[str, AfterValidator(base_url)]


class Variable(Strict):
    """What the environment variable `env` holds."""

    env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]

    def held(self, key: str) -> str:
        """What it holds; `key` is the one of system.yaml that wants it.

        Raises:
            UsageError: it is not set.
        """
        if found := os.environ.get(self.env, "").strip():
            return found
        raise UsageError(f"{key} is to be what environment variable {self.env} holds, which is not set")


def _address(value: Any) -> Any:
    """A text or a variable, told apart before either is looked at."""
    if isinstance(value, Variable):
        return value
    return Variable.model_validate(value) if isinstance(value, dict) else base_url(value)


def _text(value: Any) -> Any:
    return Variable.model_validate(value) if isinstance(value, dict) else value


Address = Annotated[str | Variable, BeforeValidator(_address)]
TextOrVariable = Annotated[str | Variable, BeforeValidator(_text)]


def resolved_address(said: str | Variable, key: str) -> str:
    """An address, as it is or as the environment holds it.

    Raises:
        UsageError: the environment does not hold it; what it holds instead is not quoted.
    """
    if isinstance(said, str):
        return said
    try:
        return base_url(said.held(key))
    except ValueError:
        example = "https://shop.example:8443"
        raise UsageError(f"{key}: environment variable {said.env} holds no address such as {example}") from None
