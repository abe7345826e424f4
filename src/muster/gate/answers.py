"""What people said of a release, and which release others are held against: in the store, with who and when.

An answer is about what was looked at: the images by digest and the configuration. Of another version it says nothing.
"""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import insert, select

from muster.base.clock import utc_iso
from muster.base.errors import UsageError
from muster.base.texts import one_line
from muster.gate.statement import Statement
from muster.store.opened import Opened
from muster.store.schema import ACCEPTANCES, ANSWERS

Said = Literal["yes", "no"]
MOST = 1000


@dataclass(frozen=True)
class Answer:
    """What somebody (`by`) said at a time (UTC) to a question by its name, of a version by its digest, and why."""

    question: str
    said: str
    by: str
    why: str
    at: str
    version: str


@dataclass(frozen=True)
class Baseline:
    """The version that others are held against: what it is called, its digest, and until when it was measured."""

    release: str
    version: str
    at: str


class Answers(Opened):
    """The store's answers and acceptances. A context manager."""

    def record(self, *, system: str, version: str, question: str, said: Said, by: str, why: str) -> Answer:
        """Keep an answer; the last one to a question counts.

        Raises:
            UsageError: it names nobody, or no reason.
            HistoryError: the store cannot be used.
        """
        person, reason = _line(by, "--by names nobody"), _line(why, "--why says nothing")
        answer = Answer(question, said, person, reason, utc_iso(), version)
        row = {"system": system, "version": version, "question": question, "said": said}
        row |= {"by": answer.by, "why": answer.why, "at": answer.at, "host": socket.gethostname()[:255]}
        with self._told(), self._writing() as connection:
            connection.execute(insert(ANSWERS).values(row))
        return answer

    def answers(self, system: str, version: str) -> list[Answer]:
        """The answers about a version, oldest first.

        Raises:
            HistoryError: the store cannot be used.
        """
        columns = [ANSWERS.c[name] for name in ("question", "said", "by", "why", "at", "version")]
        wanted = (ANSWERS.c.system == system) & (ANSWERS.c.version == version)
        with self._reading() as connection:
            rows = connection.execute(select(*columns).where(wanted).order_by(ANSWERS.c.id))
            return [Answer(*row) for row in rows]

    def keep(self, statement: Statement, *, version: str, baseline: bool) -> None:
        """Note that a gate was held; one that was met, or is to be, is the baseline from now on.

        Raises:
            HistoryError: the store cannot be used.
        """
        said = statement.predicate
        row = {
            "system": said.system,
            "cluster": said.cluster,
            "release": said.release,
            "version": version,
            "purpose": said.purpose,
            "verdict": said.verdict,
            "why": json.dumps(said.why, ensure_ascii=False),
            "at": said.made,
            "expires": said.expires,
            "by": said.by,
            "baseline": int(baseline or said.verdict == "met"),
        }
        with self._told(), self._writing() as connection:
            connection.execute(insert(ACCEPTANCES).values(row))

    def baseline(self, system: str, cluster: str, *, other_than: str) -> Baseline | None:
        """The newest baseline of a system on a cluster that is another version.

        Raises:
            HistoryError: the store cannot be used.
        """
        table = ACCEPTANCES.c
        wanted = (table.system == system) & (table.cluster == cluster) & (table.baseline == 1)
        wanted &= table.version != other_than
        query = select(table.release, table.version, table.at).where(wanted).order_by(table.id.desc()).limit(1)
        with self._reading() as connection:
            found = connection.execute(query).first()
        return Baseline(*found) if found else None


def _line(text: str, wrong: str) -> str:
    said = one_line(text)[:MOST]
    if not any(letter.isalnum() for letter in said):
        raise UsageError(f"{wrong}; an answer says who gives it, and why")
    return said
