"""Notices as tests need them: with what counts for the question, and anything for the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from muster.notices import Notice, Post
from muster.notices.channels import ChannelError, Message
from muster.notices.testing import LocalReceiver
from muster.system import SystemDefinition
from muster.system.notices import Notices


def notice(key: str = "k", state: str = "trigger", severity: str = "P1", **said: Any) -> Notice:
    given = {"system": "shop", "cluster": "staging", "title": "orders hang", "source": "monitor", **said}
    return Notice(key=key, state=state, severity=severity, **given)


def post(root: Path, addresses: dict[str, str], **channels: dict[str, Any]) -> Post:
    """Channels by the names of their variables, and what a system.yaml says of some of them."""
    system = SystemDefinition.model_construct(name="shop", notices=Notices.model_validate({"channels": channels}))
    return Post.of(system, root, {f"MUSTER_NOTICES_{name}": address for name, address in addresses.items()})


def both(root: Path, there: LocalReceiver, **channels: dict[str, Any]) -> Post:
    """A webhook `ops` and a PagerDuty `oncall` at one place."""
    return post(root, {"OPS": there.webhook, "ONCALL": there.events}, **channels)


class Scripted:
    """A channel that takes what `refuses` does not name, and keeps it."""

    kind = "scripted"

    def __init__(self, name: str, *, keyed: bool = False, per_minute: int = 600) -> None:
        self.name, self.keyed, self.per_minute = name, keyed, per_minute
        self.taken: list[Message] = []
        self.tried: list[str] = []
        self.refuses: Callable[[Message], bool] = lambda _: False

    def check(self) -> None:
        """It has no address that could be wrong."""

    def send(self, message: Message) -> None:
        self.tried.append(message.uid)
        if self.refuses(message):
            raise ChannelError("it is down")
        self.taken.append(message)


def scripted(root: Path, *channels: Scripted, **said: dict[str, Any]) -> Post:
    """These channels, and what a system.yaml says of them."""
    of = post(root, {channel.name.upper(): "json://127.0.0.1:1" for channel in channels}, **said)
    routes = {
        channel.name: replace(of.routes[channel.name], kind=channel.kind, per_minute=channel.per_minute)
        for channel in channels
    }
    return replace(of, routes={**of.routes, **routes}, channels={channel.name: channel for channel in channels})
