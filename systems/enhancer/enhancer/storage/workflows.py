"""Workflows as clients see them: create, read, list."""

import datetime as dt
import hashlib
from dataclasses import dataclass

from enhancer.phases import state
from enhancer.storage.connection import Row
from enhancer.storage.pool import Pool

# The update on conflict changes nothing, but makes the commit of a repeated request wait for the standby like
# that of the first: the first may have been left unconfirmed. `xmax = 0` holds for a row just inserted.
_CREATE = """
with stored as (
    insert into workflows (id, content, digest) values ($1, $2, $3)
    on conflict (id) do update set digest = workflows.digest
    returning id, content, digest, created, xmax = 0 as is_new
), queued as (
    insert into queue (workflow) select id from stored where is_new
)
select * from stored
"""

_READ = """
select id, content, created,
    array(select row(phase, agent, artefact)::text from phases where workflow = id order by phase) as phases
from workflows where id = $1
"""

_LIST = """
select id, content, created, (select count(*) from phases where workflow = id) as done
from workflows where {condition} order by created desc limit $1
"""
# Served by the primary key of `queue`, which has a row for each workflow that is not done.
_LISTS = {
    None: _LIST.format(condition="true"),
    "waiting": _LIST.format(condition="exists(select from queue where workflow = id and phase = 0)"),
    "running": _LIST.format(condition="exists(select from queue where workflow = id and phase > 0)"),
    "done": _LIST.format(condition="not exists(select from queue where workflow = id)"),
}
STATES = tuple(name for name in _LISTS if name)


@dataclass(frozen=True)
class PhaseDone:
    """A recorded phase, by its index in PHASES."""

    phase: int
    agent: int
    artefact: str


@dataclass(frozen=True)
class Workflow:
    """A stored workflow; `content` is canonical JSON with title and payload."""

    id: str
    content: str
    created: dt.datetime
    done: int
    phases: tuple[PhaseDone, ...] = ()

    @property
    def state(self) -> str:
        """waiting, running or done."""
        return state(self.done)


@dataclass(frozen=True)
class Created:
    """Outcome of a creation: `new`, or else whether what is stored under the id is the `same`."""

    workflow: Workflow
    new: bool
    same: bool


class WorkflowStore:
    """Workflows in the database. Limits are in seconds; every method raises UnavailableError."""

    def __init__(self, reading: Pool, writing: Pool) -> None:
        self._reading = reading
        self._writing = writing

    async def create(self, workflow: str, content: str, *, limit_s: float) -> Created:
        """Store a workflow; returns when it is durable on both databases, else raises IndeterminateError.

        Half of the time is for getting a connection, the rest for the commit.
        """
        digest = hashlib.sha256(content.encode()).hexdigest()
        async with self._writing.lease(limit_s / 2) as connection:
            row = (await connection.write(_CREATE, workflow, content, digest, limit_s=limit_s / 2))[0]
        stored = Workflow(row["id"], row["content"], row["created"], 0)
        return Created(stored, new=row["is_new"], same=row["digest"] == digest)

    async def read(self, workflow: str, *, limit_s: float) -> Workflow | None:
        """The workflow with this id and its phases, if there is one."""
        async with self._reading.lease(limit_s / 2) as connection:
            rows = await connection.read(_READ, workflow, limit_s=limit_s / 2)
        if not rows:
            return None
        phases = tuple(_phase(text) for text in rows[0]["phases"])
        return Workflow(rows[0]["id"], rows[0]["content"], rows[0]["created"], len(phases), phases)

    async def newest(self, count: int, wanted: str | None, *, limit_s: float) -> list[Workflow]:
        """The newest workflows, of one state or of all, without their phases."""
        async with self._reading.lease(limit_s / 2) as connection:
            rows = await connection.read(_LISTS[wanted], count, limit_s=limit_s / 2)
        return [_listed(row) for row in rows]


def _listed(row: Row) -> Workflow:
    return Workflow(row["id"], row["content"], row["created"], row["done"])


def _phase(text: str) -> PhaseDone:
    phase, agent, artefact = text.strip("()").split(",")
    return PhaseDone(int(phase), int(agent), artefact)
