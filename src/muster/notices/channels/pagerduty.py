"""PagerDuty, through its own client: what is raised, taken up and over under one key is one alert there."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from muster.notices.channels.channel import LIMIT_S, ChannelError, Message
from muster.notices.channels.secrets import Secrets

if TYPE_CHECKING:
    from pagerduty import EventsApiV2Client

LOOPBACK = ("127.0.0.1", "::1", "localhost")
SCHEMES = {"pagerduty": "https", "pagerduty+http": "http"}
_SEVERITIES = {"P1": "critical", "P2": "error", "P3": "warning", "P4": "info"}
LONGEST_SUMMARY = 1024  # of the Events API
# What the client has to say is in what it raises as well.
_QUIET = logging.getLogger("muster.notices.pagerduty")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


class PagerDuty:
    """A service of PagerDuty: `pagerduty://KEY`, with its integration key; `pagerduty://KEY@events.eu.pagerduty.com` is
    another region, `pagerduty+http://KEY@127.0.0.1:PORT` a relay on this machine, without TLS."""

    kind = "pagerduty"
    keyed = True
    per_minute = 60

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self._address = address
        self._secrets = Secrets(address)

    def check(self) -> None:
        key, base = self._parts()
        if not key.isalnum():
            raise ChannelError("its address is none; right would be pagerduty://KEY with the service's integration key")
        if base is not None and base.startswith("http:") and urlsplit(base).hostname not in LOOPBACK:
            raise ChannelError("without TLS its key would be read on the way; right would be pagerduty://KEY@HOST")

    def send(self, message: Message) -> None:
        self.check()
        import httpx2  # noqa: PLC0415 - slow
        from pagerduty import Error, HttpError  # noqa: PLC0415 - slow

        try:
            with self._client() as client:
                client.send_event(message.state, dedup_key=message.key, **_payload(message))
        except HttpError as error:
            raise ChannelError(f"PagerDuty answered {getattr(error.response, 'status_code', 'nothing')}") from None
        except (Error, httpx2.HTTPError, httpx2.InvalidURL) as error:
            cause = error.__cause__ or error
            raise ChannelError(self._secrets.hide(f"PagerDuty: {str(cause) or type(cause).__name__}")) from None

    def _client(self) -> EventsApiV2Client:
        from pagerduty import EventsApiV2Client  # noqa: PLC0415 - slow

        class Relayed(EventsApiV2Client):
            url = ""  # a plain attribute: the client's own refuses an address without TLS

        key, base = self._parts()
        plain = base is not None and base.startswith("http:")
        client = (Relayed if plain else EventsApiV2Client)(key, base_url=base)
        # It would try again itself, for minutes, and without end where it is told to slow down: that is the outbox's.
        client.max_network_attempts, client.max_http_attempts, client.timeout = 0, -1, int(LIMIT_S)
        client.retry = dict.fromkeys((429, 500, 502, 503, 504), 1)
        client.log = _QUIET
        return client

    def _parts(self) -> tuple[str, str | None]:
        """The key, and the server where it is another."""
        try:
            split = urlsplit(self._address)
        except ValueError:
            return "", None
        key, at, server = split.netloc.partition("@")
        return key, f"{SCHEMES[split.scheme.lower()]}://{server}" if at else None


def _payload(message: Message) -> dict[str, Any]:
    if message.state != "trigger":
        return {}
    details = {"text": message.body, "drill": message.drill, "incident": message.incident, "notice": message.uid}
    return {
        "client": "muster",
        "payload": {
            "summary": message.subject[:LONGEST_SUMMARY],
            "source": message.cluster,
            "severity": _SEVERITIES[message.severity],
            "component": message.system,
            "timestamp": message.at,
            "custom_details": {name: value for name, value in details.items() if value is not None},
        },
    }
