"""The monitoring that system.yaml names, as something that can be asked for one alert."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from muster.base.errors import UsageError
from muster.monitoring import alertmanager, prometheus
from muster.monitoring.alertmanager import Alertmanager
from muster.monitoring.asking import Asking
from muster.monitoring.prometheus import Prometheus
from muster.monitoring.seen import Source
from muster.system.monitoring import Monitoring, MonitoringServer


@contextmanager
def open_source(monitoring: Monitoring, alert: str) -> Iterator[Source]:
    """What is asked whether the alert of that name fires. Nothing is asked yet.

    Raises:
        UsageError: the environment variable that is to hold the token does not.
    """
    with open_asking(monitoring) as asking:
        kind = Alertmanager if monitoring.kind == "alertmanager" else Prometheus
        yield kind(asking, alert, monitoring.server.matchers)


@contextmanager
def open_asking(monitoring: Monitoring) -> Iterator[Asking]:
    """What asks the monitoring. Nothing is asked yet.

    Raises:
        UsageError: the environment variable that is to hold the token does not.
    """
    server = monitoring.server
    with Asking(server.address, limit_s=server.limit_s, token=check_token(server)) as asking:
        yield asking


def firing(monitoring: Monitoring, asking: Asking, labels: Mapping[str, str]) -> list[str]:
    """The names of the alerts with these labels that fire, and that somebody is told of, as far as it knows that.

    Raises:
        MonitoringError: it did not answer, or not with its alerts.
    """
    ask = alertmanager.firing if monitoring.kind == "alertmanager" else prometheus.firing
    return ask(asking, labels)


def check_token(server: MonitoringServer) -> str | None:
    """The token that the environment holds, or None where none is wanted.

    Raises:
        UsageError: one is wanted, and the environment does not hold it.
    """
    if server.token_env is None:
        return None
    token = os.environ.get(server.token_env, "").strip()
    if not token or not token.isprintable() or not token.isascii():
        raise UsageError(
            f"the environment variable {server.token_env}, which system.yaml names as 'token_env' of the monitoring, "
            f"{'holds no token that can be sent' if token else 'is not set'}"
        )
    return token
