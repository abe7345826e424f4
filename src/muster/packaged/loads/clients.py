"""People who use a system as its system.yaml says: of ten requests nine are its `read`, and one makes a write.

Where there is no ledger, or one in Python, all of them read. An answer is right where `read` finds it right; what was
acknowledged is looked at again, with its content. By hand, in the project's directory:

    locust -f "$(muster loads path clients)" --headless -u 1 --host http://ADDRESS:8080 --rate 100
"""

from __future__ import annotations

import os
import uuid
from collections import deque
from pathlib import Path
from typing import Any

from locust import task

from muster.load.openloop import OpenLoopUser
from muster.probes.answers.content import contents_of, failing, fill, identity_at, unexpected, values_at
from muster.system import LedgerSpec, Request, SystemDefinition, find_system, read_system
from muster.system.definition import SYSTEM_VARIABLE
from muster.system.headers import resolved

REMEMBERED = 500


def the_system() -> SystemDefinition:
    """The system that a drill names, by hand the project's only one."""
    named = os.environ.get(SYSTEM_VARIABLE)
    return read_system(Path(named) if named else find_system(Path.cwd()))


class Client(OpenLoopUser):
    """Everybody who uses the system, as one schedule."""

    rate = 100

    def on_start(self) -> None:
        self.system = the_system()
        self.prefix = f"load-{uuid.uuid4().hex[:12]}"
        self.made: deque[tuple[str, str]] = deque(maxlen=REMEMBERED)  # what to read by, and the content
        self.count = 0
        super().on_start()

    @task(7)
    def read(self) -> None:
        """What the read of system.yaml asks for."""
        probe = self.system.read
        written = bool(self.made)
        with self._asked(probe.request) as answer:
            strange = "" if not probe.contains or values_at(answer.js, probe.contains) else f"no '{probe.contains}'"
            if probe.check or probe.once_written:
                strange = strange or failing(answer.js, probe.check)
                strange = strange or (failing(answer.js, probe.once_written, some=True) if written else "")
            assert not strange, strange

    @task(2)
    def read_back(self) -> None:
        """One of the writes that were acknowledged; while there is none, the read."""
        ledger = self.system.ledger
        if not isinstance(ledger, LedgerSpec) or not self.made:
            self.read()
            return
        identity, content = self.random.choice(self.made)
        places = {"key": identity} if ledger.key else {"id": identity}
        with self._asked(ledger.read, reads=identity, **places) as answer:
            found = contents_of(answer.js, identity, id_path=ledger.id, content_path=ledger.content)
            assert found == [content], f"{found}, and not what was written"

    @task(1)
    def write(self) -> None:
        """A write of the ledger. It is ours only once it was acknowledged."""
        ledger = self.system.ledger
        if not isinstance(ledger, LedgerSpec):
            self.read()
            return
        self.count += 1
        identity, content = f"{self.prefix}-{self.count}", uuid.uuid4().hex
        with self._asked(ledger.create, id=identity, content=content) as answer:
            if ledger.acknowledged:
                strange = unexpected(answer.js, ledger.acknowledged)
                assert not strange, strange
            known = identity_at(answer.js, ledger.key) if ledger.key else identity
            assert known is not None, f"no '{ledger.key}'"
            answer.acknowledged(known)
            if answer.outcome == "ok":
                self.made.append((known, content))

    def _asked(self, asked: Request, *, reads: str | None = None, **places: str) -> Any:
        """A request of system.yaml, with what is filled into it; in statistics it stands as it is written there."""
        path: str = fill(asked.path, **places)
        return self.rest(
            asked.method,
            path,
            name=f"{asked.method} {asked.path}",
            json=fill(asked.body, **places),
            status=tuple(asked.status),
            headers=resolved(asked.headers),
            reads=reads,
        )
