"""Killing whoever opens incidents and tells people of them, and looking whether all of it arrives afterwards.

A trial has a store of its own. Its victim is a process that opens incidents, takes them up and resolves them, and sends
after each; it is killed with SIGKILL before or after one of its commits or sendings. Another then sends what is left.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy.engine.default import DefaultDialect

from muster.base.clock import now
from muster.base.waiting import wait_for
from muster.incidents import Book
from muster.incidents.notices import key_of
from muster.incidents.telling import note_settled
from muster.notices import Outbox, Post, deliver, outbox
from muster.notices.channels.apprised import Apprised
from muster.notices.channels.pagerduty import PagerDuty
from muster.notices.notice import STATES
from muster.notices.testing import LocalReceiver
from torture.results import Trial

STORE, DONE, MADE = "store.sqlite", "done.txt", "made.txt"
SIDES = ("before", "after")
INCIDENTS = 2
# Of each incident three acts; of each act a commit, and of each of two channels a claim, a sending, a settling and a
# claim that finds nothing more.
MOMENTS = INCIDENTS * 3 * (1 + 2 * 4)
LEASE_S = 0.3  # of the victim: what it leaves claimed is free soon
WITHIN_S = 60.0
KILLED = -signal.SIGKILL


@dataclass(frozen=True)
class Case:
    """A trial: the victim is killed before or after its commit or sending of number `moment`, counted from 0."""

    number: int
    moment: int
    side: str

    def __str__(self) -> str:
        return f"{self.side} commit or sending {self.moment + 1} of {MOMENTS}"


def draw(count: int | None, seed: int) -> list[Case]:
    """Every moment, each side of it, in an order that the seed draws; of them `count`, where it is given."""
    every = [(moment, side) for moment in range(MOMENTS) for side in SIDES]
    random.Random(seed).shuffle(every)
    return [Case(number, *one) for number, one in enumerate(every)][:count]


@dataclass
class Kills:
    """Where it is sent: a webhook, and a PagerDuty; and a store of which each trial has a copy."""

    hook: LocalReceiver
    events: LocalReceiver
    store: Path

    def trial(self, case: Case, keep: Path) -> Trial:
        """Kill a victim, send what it left, and say what is lost, told twice, or not on record."""
        began = now()
        self.hook.arrived.clear()
        self.events.arrived.clear()
        directory = Path(tempfile.mkdtemp(prefix="muster-outbox-"))
        try:
            code = self.strike(directory, case)
            wrong = [] if code in {0, KILLED} else [f"the victim ended with {code}"]
            wrong += self._send_the_rest(directory)
            wrong += self.lost(directory)
            kept = str(shutil.copytree(directory, keep, dirs_exist_ok=True)) if wrong else ""
        finally:
            shutil.rmtree(directory)
        again = len(self.hook.arrived) - len(self._by_uid())
        saw = f"{again} sent again" if again else ""
        came, took_s = code == KILLED, round(now() - began, 1)
        return Trial("outbox", case.number, str(case), tuple(wrong), took_s=took_s, came=came, kept=kept, saw=saw)

    def strike(self, directory: Path, case: Case) -> int | None:
        """Let a victim work in a directory until it is killed, or done; its exit code, None where it came to no end."""
        shutil.copy(self.store, directory / STORE)
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["torture.outbox", "apprise", "pagerduty"])
        process = context.Process(target=victim, args=(directory, self._addresses, case.moment, case.side))
        process.start()
        process.join(WITHIN_S)
        if process.is_alive():
            process.kill()
            process.join()
            return None
        return process.exitcode

    @property
    def _addresses(self) -> dict[str, str]:
        return {"MUSTER_NOTICES_OPS": self.hook.webhook, "MUSTER_NOTICES_ONCALL": self.events.events}

    def _send_the_rest(self, directory: Path) -> Iterator[str]:
        post = _post(directory, self._addresses)
        with Outbox.open(STORE, directory) as box:

            def sent() -> bool:
                deliver(box, post, within_s=10, hurry=True, settled=note_settled)
                return not box.deliveries(states=["waiting"])

            wait_for(sent, within=WITHIN_S, every=0.1, reason="what is left to be sent")
            yield from (
                f"{one.subject} to {one.channel}: {one.state}" for one in box.deliveries() if one.state != "sent"
            )

    def _by_uid(self) -> Mapping[str, set[str]]:
        """What arrived at the webhook, by its key."""
        found: dict[str, set[str]] = {}
        for _, headers, content in self.hook.arrived:
            found.setdefault(headers["Idempotency-Key"], set()).add(content["title"] + content["message"])
        return found

    def lost(self, directory: Path) -> Iterator[str]:
        """What is lost, told twice under another key, in the wrong order, or not on record."""
        done = Counter((directory / DONE).read_text().split()) if (directory / DONE).exists() else Counter[str]()
        with Book.open(STORE, directory) as book:
            acts = Counter(state for one in book.incidents() for state in _acts(one))
            if any(acts[state] < done[state] for state in STATES):
                yield f"of what was done ({dict(done)}) the store has only {dict(acts)}"
            for incident in book.incidents():
                wanted, found = _acts(incident), self.events.alerts.get(key_of(incident), [])
                if found != wanted:
                    yield f"{incident.id} is {incident.state}, and PagerDuty was told {found}"
                noted = [entry.text for entry in book.entries(incident.id) if entry.kind == "notice"]
                if len(noted) != 2 * len(wanted) or len(set(noted)) != len(noted):
                    yield f"{incident.id} is {incident.state}, and on record is {noted}"
        arrived = self._by_uid()
        if len(arrived) != acts.total():
            yield f"{acts.total()} notices were put, and {len(arrived)} arrived at the webhook"
        yield from (f"{uid} arrived with {len(texts)} texts" for uid, texts in arrived.items() if len(texts) > 1)
        if (again := len(self.hook.arrived) - len(arrived)) > 1:
            yield f"{again} were sent again, and only one can have been under way"


def victim(directory: Path, addresses: Mapping[str, str], moment: int, side: str) -> None:
    """Open incidents and tell people of them, until the moment comes; what was done is written down once it is."""
    outbox.LEASE_S = LEASE_S
    cutting = _Cutting(moment, side)
    cutting.install()
    post = _post(directory, addresses)
    with Book.open(STORE, directory) as book, Outbox.open(STORE, directory) as box:
        book.post = post
        for number in range(INCIDENTS):
            identity = ""
            for state in STATES:
                identity = _act(book, state, identity, f"trouble {number}")
                with (directory / DONE).open("a") as file:
                    file.write(f"{state}\n")
                deliver(box, post, within_s=WITHIN_S, settled=note_settled)
    (directory / MADE).write_text(str(cutting.made))


def _act(book: Book, state: str, identity: str, title: str) -> str:
    """Do what leads to a state; the incident's id."""
    if state == STATES[0]:
        return book.begin(system="shop", cluster="c", severity="P1", title=title)[0].id
    if state == STATES[1]:
        return book.acknowledge(identity)[0].id
    return book.resolve(identity, "mended").id


def _post(directory: Path, addresses: Mapping[str, str]) -> Post:
    post = Post.of(None, directory, addresses)
    return post.only(post.routes, per_minute=600)


def _acts(incident: Any) -> list[str]:
    """What people are to be told of an incident as it stands, in order."""
    acts = {"open": 1, "acknowledged": 2, "resolved": 3}
    return list(STATES[: acts[incident.state]])


class _Cutting:
    """Ends this process before or after one of its commits and sendings."""

    def __init__(self, moment: int, side: str) -> None:
        self._moment, self._side = moment, side
        self.made = 0
        self._lock = Lock()

    def install(self) -> None:
        for owner, name in ((DefaultDialect, "do_commit"), (Apprised, "send"), (PagerDuty, "send")):
            setattr(owner, name, self._around(getattr(owner, name)))

    def _around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def cut(*arguments: Any) -> Any:
            with self._lock:
                number, self.made = self.made, self.made + 1
            self._at(number, "before")
            answer = call(*arguments)
            self._at(number, "after")
            return answer

        return cut

    def _at(self, number: int, side: str) -> None:
        if (number, side) == (self._moment, self._side):
            os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def kills() -> Iterator[Kills]:
    """Places to send to, for trials one after the other."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="muster-outbox-")))
        Book.open(STORE, directory, create=True).close()
        hook, events = (stack.enter_context(LocalReceiver()) for _ in range(2))
        yield Kills(hook, events, directory / STORE)
