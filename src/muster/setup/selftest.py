"""What is to work on a bad night, tried once on a scratch copy: nothing of it touches the project or a cluster."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from muster.backup.keys import KEY_VARIABLE, Identities, Recipients
from muster.base.errors import MusterError
from muster.incidents import Book
from muster.notices import Outbox, deliver
from muster.notices.trying import addressed, notice_of_test, try_channels
from muster.preflight.finding import Result, failed, fine, unknown
from muster.safety.audit.origin import host, who
from muster.setup.subject import Subject

TEST_WITHIN_S = 30.0


def incident(subject: Subject) -> Result | None:
    """An incident from its opening to its end in a store of its own, and what people would be told of it."""
    if not subject.acting:
        return None
    named = "muster" if subject.system is None else subject.system.name
    with tempfile.TemporaryDirectory(prefix="muster-setup-") as scratch:
        try:
            with Book.open("scratch.sqlite", Path(scratch), create=True) as book:
                opened, _ = book.begin(system=named, cluster="setup", severity="P1", title="a test of muster setup")
                book.acknowledge(opened.id)
                book.resolve(opened.id, "it was a test")
                entries = len(book.entries(opened.id))
        except MusterError as error:
            return failed(str(error), "see that the disk for temporary files has room")
    return fine(f"an incident was opened, taken up and resolved in a scratch store, in {entries} entries")


def key(subject: Subject) -> Result | None:
    """What is encrypted for the recipients is opened by the key that is here."""
    named = subject.environment.get(KEY_VARIABLE)
    if subject.system is None or subject.system.database is None:
        return None
    if not named:
        return unknown("no key is here to try whether backups can be opened", f"name its file in {KEY_VARIABLE}")
    locked, opened = io.BytesIO(), io.BytesIO()
    try:
        Recipients.named(subject.system.backup.recipients).encrypt(io.BytesIO(b"muster"), locked)
        Identities(Path(named)).decrypt(io.BytesIO(locked.getvalue()), opened, "what is encrypted for the recipients")
    except MusterError as error:
        return failed(str(error), "name the key of one of the recipients, or make one: muster backup key FILE")
    return fine("what is encrypted for the recipients is opened by the key that is here")


def notice(subject: Subject) -> Result | None:
    """A test to every channel, where it is asked for."""
    if not subject.send_test or not subject.acting:
        return None
    named = "muster" if subject.system is None else subject.system.name
    try:
        post = addressed(subject.post, ())
        with (
            tempfile.TemporaryDirectory(prefix="muster-setup-") as scratch,
            Outbox.open("scratch.sqlite", Path(scratch), create=True) as outbox,
        ):
            told = notice_of_test(named, who=who(), host=host())
            found, _ = try_channels(outbox, post, told, lambda one: deliver(outbox, one, within_s=TEST_WITHIN_S))
    except MusterError as error:
        return failed(str(error), "see muster notify channels")
    late = [f"{channel}: {why}" for channel, _, why in found.failed]
    if late := late + [f"{channel}: no answer" for channel in found.under_way]:
        return failed("; ".join(late), "put the address right, or have the channel answer; then: muster notify test")
    return fine(f"a test arrived by {', '.join(sorted({channel for channel, _ in found.sent}))}")
