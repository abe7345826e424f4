"""The system's own monitoring: the part `monitoring` of system.yaml (docs/detection.md)."""

from __future__ import annotations

import os
import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator, model_validator

from muster.system.schema import Strict, Variable, base_url, resolved_address

LabelName = Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")]
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _is_a_base(url: object) -> object:
    """A text or a variable, told apart before either is looked at."""
    if not isinstance(url, str):
        return Variable.model_validate(url) if isinstance(url, dict) else url
    if "@" in urlsplit(url).netloc:
        raise ValueError("a secret does not belong here, name an environment variable that holds it in 'token_env'")
    return base_url(url, before="'/api'")


class MonitoringServer(Strict):
    """A server that knows which alerts fire: `url` is what stands before its `/api`, or the environment variable that
    holds it; where that is not set there is none here.

    `matchers` are labels that an alert must have besides its name. The server is asked every `every_s` seconds and has
    `limit_s` seconds to answer. `token_env` names the environment variable that holds a bearer token.
    """

    url: Annotated[str | Variable, BeforeValidator(_is_a_base)]
    matchers: dict[LabelName, str] = {}
    every_s: Annotated[float, Field(ge=0.1, le=10)] = 0.5
    limit_s: Annotated[float, Field(gt=0, le=30)] = 2.0
    token_env: str | None = None

    @field_validator("token_env", mode="after")
    @classmethod
    def _is_a_name(cls, name: str | None) -> str | None:
        if name is not None and not _ENVIRONMENT_NAME.fullmatch(name):
            raise ValueError("it names the environment variable that holds the token, it is not the token itself")
        return name

    @field_validator("matchers", mode="after")
    @classmethod
    def _leave_the_name_to_the_drill(cls, matchers: dict[str, str]) -> dict[str, str]:
        if "alertname" in matchers:
            raise ValueError("each drill names its alert itself, by alert='...' in its marker")
        return matchers

    @property
    def address(self) -> str:
        """Where it is.

        Raises:
            UsageError: the environment is to hold it, and does not.
        """
        return resolved_address(self.url, "monitoring.url")

    @property
    def named(self) -> str:
        """Where it is, for people: a variable by its name, as it may hold what nobody is to see."""
        return self.url if isinstance(self.url, str) else f"${self.url.env}"

    @property
    def is_there(self) -> bool:
        """Whether there is one here: false where the environment is to say where, and does not."""
        return isinstance(self.url, str) or bool(os.environ.get(self.url.env, "").strip())


class Monitoring(Strict):
    """Where it is asked which alerts fire: one Alertmanager, or one Prometheus (or what speaks like it)."""

    alertmanager: MonitoringServer | None = None
    prometheus: MonitoringServer | None = None

    @model_validator(mode="after")
    def _one_is_named(self) -> Self:
        if (self.alertmanager is None) == (self.prometheus is None):
            raise ValueError("right would be one of 'alertmanager' and 'prometheus'")
        return self

    @property
    def kind(self) -> Literal["alertmanager", "prometheus"]:
        return "prometheus" if self.alertmanager is None else "alertmanager"

    def resolved(self) -> Monitoring:
        """It with its address in place of the variable that holds it, for a process with another environment."""
        if not self.server.is_there:
            return self
        return self.model_copy(update={self.kind: self.server.model_copy(update={"url": self.server.address})})

    @property
    def server(self) -> MonitoringServer:
        server = self.alertmanager or self.prometheus
        assert server is not None
        return server
