"""Sending what waits in the outbox, to all channels side by side, for as long as somebody waits for it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from muster.base.clock import now, utc
from muster.base.errors import MusterError
from muster.notices.channels import Channel, ChannelError, Message
from muster.notices.outbox import Claim, Delivery, Outbox, Settled, gravest, nobody
from muster.notices.post import Post
from muster.notices.templates import Text, marked

# A channel that failed so often in a row is down, and is asked again another time.
IN_A_ROW = 2
DIGEST = "digest"


@dataclass
class Delivered:
    """What became of it: channel, subject and (where it did not arrive) why, the channels whose answer was not waited
    for, and what was wrong besides. What is in none of them still waits."""

    sent: list[tuple[str, str]] = field(default_factory=list)
    failed: list[tuple[str, str, str]] = field(default_factory=list)
    under_way: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


def deliver(
    outbox: Outbox, post: Post, *, within_s: float, hurry: bool = False, settled: Settled = nobody
) -> Delivered:
    """Send what is due to the channels of `post` that this machine has addresses of, and return after `within_s`
    seconds at the latest. A channel that has not answered by then goes on in its thread, and settles what it was sent
    itself.

    With `hurry` what waits for its next try is tried now, once. `settled` is told of deliveries that came to an end, in
    the same transaction. A channel that fails keeps no other from being told; nothing is raised for it.
    """
    deadline, told = now() + within_s, Delivered()
    runs = [_Run(outbox, post, channel, told, deadline, hurry, settled) for channel in post.channels.values()]
    threads = {run.channel.name: threading.Thread(target=run.run, daemon=True) for run in runs if run.wanted}
    for thread in threads.values():
        thread.start()
    for name, thread in threads.items():
        thread.join(max(deadline - now(), 0.0))
        if thread.is_alive():
            told.under_way.append(name)
    return told


@dataclass
class _Run:
    """One channel's turn."""

    outbox: Outbox
    post: Post
    channel: Channel
    told: Delivered
    deadline: float
    hurry: bool
    settled: Settled

    @property
    def wanted(self) -> bool:
        return self.channel.name in self.post.routes

    def run(self) -> None:
        try:
            self._run()
        except MusterError as error:  # of the store: all channels will say the same
            self.told.troubles.append(str(error))

    def _run(self) -> None:
        failures, tried = 0, set[int]()
        while failures < IN_A_ROW and now() < self.deadline:
            claim = self.outbox.claim(
                self.channel.name,
                keyed=self.channel.keyed,
                per_minute=self.post.routes[self.channel.name].per_minute,
                hurry=self.hurry,
                but=tried,
                system=self.post.system,
                settled=self.settled,
            )
            if claim is None:
                return
            tried |= {one.id for one in claim.deliveries}
            why = self._send(claim)
            self.outbox.settle(claim, why, self.settled)
            failures = 0 if why is None else failures + 1
            for one in claim.deliveries:
                if why is None:
                    self.told.sent.append((one.channel, one.subject))
                else:
                    self.told.failed.append((one.channel, one.subject, why))

    def _send(self, claim: Claim) -> str | None:
        first = claim.deliveries[0]
        text = Text(first.subject, first.body) if len(claim.deliveries) == 1 else self._digest(claim.deliveries)
        message = Message(
            uid=claim.uid,
            key=first.key,
            state=first.told if len(claim.deliveries) == 1 else "trigger",
            severity=gravest(claim.deliveries),
            system=first.system,
            cluster=first.cluster,
            subject=text.subject,
            body=text.body,
            at=first.at,
            drill=first.drill,
            incident=first.incident,
        )
        try:
            self.channel.send(message)
        except ChannelError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - of libraries: their words may hold the address, and are not kept
            return f"it broke: {type(error).__name__}"
        return None

    def _digest(self, deliveries: Sequence[Delivery]) -> Text:
        """Many as one, the gravest first; each that is of a drill is marked in its own subject, and all are where they
        all are."""
        ordered = sorted(deliveries, key=lambda one: one.severity)
        fields = {
            "notices": [{"at": one.at, "subject": one.subject, "drill": one.drill} for one in ordered],
            "severity": gravest(deliveries),
            "system": ", ".join(dict.fromkeys(one.system for one in deliveries)),
            "now": utc(),
        }
        language = deliveries[0].language
        try:
            text = self.post.templates.render(DIGEST, language, fields)
        except MusterError as error:
            self.told.troubles.append(str(error))
            text = self.post.templates.packaged().render(DIGEST, "en", fields)
        drills = {one.drill for one in deliveries}
        return text if None in drills else marked(text, language, ", ".join(sorted(map(str, drills))))
