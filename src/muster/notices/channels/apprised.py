"""All that `apprise` carries: Slack, mail, webhooks and a hundred more, by its addresses."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from muster.notices.channels.channel import LIMIT_S, ChannelError, Message
from muster.notices.channels.secrets import Secrets

_URGENCY = {"P1": "failure", "P2": "failure", "P3": "warning", "P4": "info"}
# Where apprise says at its lowest level alone what a connection died of.
_REASON = "Socket Exception: "
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,30})://")
_CAUSE = re.compile(r"\[Errno -?\d+\] ([^'\")]+)")
_MAIL_ANSWERED = re.compile(r"\((\d{3}), b['\"]([^'\"]*)")
_ANSWERED = re.compile(r"error=(\d{3})")


class Apprised:
    """A channel by an address of apprise, such as `slack://A/B/C` or `mailto://USER:PASSWORD@HOST?to=PERSON`.

    Webhooks (`json://`, `form://`, `xml://`) get the message's uid as the header `Idempotency-Key`, mails as
    `X-Muster-Notice`; what belongs to one key stands in one thread of mails.
    """

    keyed = False
    per_minute = 6

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.kind = kind_of(address)
        self._address = address
        self._secrets = Secrets(address)

    def check(self) -> None:
        with self._told():
            self._service()

    def send(self, message: Message) -> None:
        with self._told() as said:
            service = self._service()
            _name(service, message)
            urgency = "success" if message.state == "resolve" else _URGENCY[message.severity]
            try:
                arrived = service.notify(
                    title=message.subject, body=message.body, notify_type=urgency, body_format="text"
                )
            except Exception as error:  # noqa: BLE001 - a hundred services: whatever one of them raises, it did not arrive
                raise ChannelError(self._secrets.hide(f"{self.kind}: {str(error) or type(error).__name__}")) from None
            if not arrived:
                raise ChannelError(self._secrets.hide(f"{self.kind}: {_reason(said)}"))

    def _service(self) -> Any:  # a class of its own for each kind of address
        """What sends.

        Raises:
            ChannelError: the address is none.
        """
        from apprise import Apprise, AppriseAsset  # noqa: PLC0415 - slow

        # Nothing is kept on the disk, no address is followed elsewhere, and a text is sent as it stands.
        asset = AppriseAsset(app_id="muster", storage_mode="memory", http_redirects=False, allow_templates=False)
        service: Any = Apprise.instantiate(self._address, asset=asset)
        if service is None:
            # What apprise says of it may hold parts of it.
            raise ChannelError(f"its address is none that apprise understands, or lacks a part ({self.kind}://...)")
        for name, default in (("rto", "socket_read_timeout"), ("cto", "socket_connect_timeout")):
            if f"{name}=" not in self._address:
                setattr(service, default, LIMIT_S)
        if hasattr(service, "smtp_host") and "format=" not in self._address:
            service.notify_format = "text"
        return service

    @contextmanager
    def _told(self) -> Iterator[list[logging.LogRecord]]:
        """What apprise logs meanwhile in this thread: the only place in which it says why. Nothing of it goes further,
        since it may hold the address."""
        said: list[logging.LogRecord] = []
        _LISTENER.said.records = said
        logger = logging.getLogger("apprise")
        if _LISTENER not in logger.handlers:
            logger.addHandler(_LISTENER)
            logger.setLevel(logging.DEBUG)
            logger.propagate = False
        try:
            yield said
        finally:
            _LISTENER.said.records = None


class _Listener(logging.Handler):
    """Keeps what is logged by the thread that asked for it."""

    def __init__(self) -> None:
        super().__init__()
        self.said = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        records = getattr(self.said, "records", None)
        if records is not None:
            records.append(record)


_LISTENER = _Listener()


def kind_of(address: str) -> str:
    """What stands before `://`; `unknown` where nothing does, and the whole might be a secret."""
    found = _SCHEME.match(address)
    return found[1].lower() if found else "unknown"


def _name(service: Any, message: Message) -> None:
    """Give the message its uid, where the service has a place for it."""
    headers = getattr(service, "headers", None)
    if not isinstance(headers, dict):
        return
    if hasattr(service, "smtp_host"):
        headers |= {"X-Muster-Notice": message.uid, "References": f"<{_local(message.key)}@muster>"}
    else:
        headers["Idempotency-Key"] = message.uid


def _local(key: str) -> str:
    """A key as the first half of a message's id."""
    return "".join(letter if letter.isascii() and letter.isalnum() else "." for letter in key).strip(".")


def _reason(said: list[logging.LogRecord]) -> str:
    """The last thing that was complained of."""
    deeper = " ".join(record.getMessage() for record in said if record.getMessage().startswith(_REASON))
    if found := _CAUSE.search(deeper):
        return found[1]
    if answered := _MAIL_ANSWERED.search(deeper):
        return f"it answered {answered[1]} {answered[2]}"
    if "timed out" in deeper:
        return "no answer in time"
    texts = [record.getMessage() for record in said if record.levelno >= logging.WARNING]
    if answered := _ANSWERED.search(" ".join(texts)):
        return f"it answered {answered[1]}"
    return texts[-1] if texts else deeper.removeprefix(_REASON) or "it was not taken"
