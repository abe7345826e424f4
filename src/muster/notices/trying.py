"""A test of channels: a notice that says that it is one, sent once and never later."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace

from muster.notices.channels import variable_of
from muster.notices.delivering import Delivered
from muster.notices.notice import Notice, NoticeError
from muster.notices.outbox import Delivery, Outbox
from muster.notices.post import Post

KEPT_S = 120.0


def addressed(post: Post, names: Sequence[str]) -> Post:
    """The named channels, by default all that have an address, each of which takes a test.

    Raises:
        NoticeError: there is none, or one is not known or has no address.
    """
    chosen = [post.route(name.lower()).name for name in names] or list(post.channels)
    if not chosen:
        raise NoticeError("there is no channel to test: set MUSTER_NOTICES_<NAME> to an address (docs/notices.md)")
    if lacking := [name for name in chosen if name not in post.channels]:
        raise NoticeError(f"channel '{lacking[0]}' has no address here; set {variable_of(lacking[0])} to it")
    return post.only(chosen, severities=("P4",), states=("trigger", "resolve"), template=None)


def notice_of_test(system: str, *, who: str, host: str) -> Notice:
    """A notice that says that it is a test, from whom and where."""
    return Notice(
        key=f"test/{uuid.uuid4()}",
        state="trigger",
        severity="P4",
        system=f"test of {system}"[:255],  # of a system of its own: nothing else is sent with it
        cluster=host,
        title="test of the channels",
        source="test",
        fields={"who": who, "host": host, "system": system},
        template="test",
        kept_s=KEPT_S,
    )


def try_channels(
    outbox: Outbox, post: Post, notice: Notice, deliver: Callable[[Post], Delivered]
) -> tuple[Delivered, list[Delivery]]:
    """Send a test to the channels of `post` (those of `addressed`), and say what became of it and what still waits.

    What does not leave now is given up, as a test that comes hours later would be a riddle. A channel that keeps what
    is open is told that the test is over.
    """
    outbox.put(post, notice)
    if keyed := [name for name in post.routes if post.channels[name].keyed]:
        outbox.put(post.only(keyed), replace(notice, state="resolve"))
    found = deliver(replace(post, system=notice.system))
    waiting = outbox.deliveries(states=["waiting"], notices=[row["id"] for row in outbox.notices(notice.key)])
    outbox.give_up([one.id for one in waiting if one.channel not in found.under_way])
    return found, waiting
