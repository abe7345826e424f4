"""What all channels have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from muster.base.errors import MusterError

# What one step of sending may take (connecting, an answer); whatever takes longer has failed.
LIMIT_S = 8.0


class ChannelError(MusterError):
    """A message did not arrive, as far as is known; the text holds no address."""


@dataclass(frozen=True)
class Message:
    """What is sent. `uid` is the same however often it is tried; `key`, `state` and the rest are the notice's."""

    uid: str
    key: str
    state: str
    severity: str
    system: str
    cluster: str
    subject: str
    body: str
    at: str
    drill: str | None = None
    incident: str | None = None


class Channel(Protocol):
    """A way to people. `keyed` ones make one thing of all that comes under a key: what is sent twice arrives once."""

    name: str
    kind: str
    keyed: bool
    per_minute: int

    def check(self) -> None:
        """Look at the address, and send nothing.

        Raises:
            ChannelError: it is none.
        """

    def send(self, message: Message) -> None:
        """Send, and return when it was taken.

        Raises:
            ChannelError: it was not, or that is not known.
        """
