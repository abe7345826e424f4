"""Workflows as clients see them: create, read, list, find the stuck."""

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

# A lower bound of `created`: nothing older than so many seconds is shown, and 0 shows all.
_SHOWN = "created >= coalesce(now() - nullif($2::float8, 0) * interval '1 second', '-infinity')"


def _reading(template: str, condition: str = "") -> str:
    """The statement of a template."""
    return template.format(shown=_SHOWN, condition=condition)


_READ = _reading("""
select id, content, created,
    array(select row(phase, agent, artefact)::text from phases where workflow = id order by phase) as phases
from workflows where id = $1 and {shown}
""")

_LIST = """
select id, content, created, (select count(*) from phases where workflow = id) as done
from workflows where {condition} and {shown} order by created desc limit $1
"""
# Served by the primary key of `queue`, which has a row for each workflow that is not done.
_CONDITIONS = {
    None: "true",
    "waiting": "exists(select from queue where workflow = id and phase = 0)",
    "running": "exists(select from queue where workflow = id and phase > 0)",
    "done": "not exists(select from queue where workflow = id)",
}
_LISTS = {state: _reading(_LIST, condition) for state, condition in _CONDITIONS.items()}
STATES = tuple(name for name in _LISTS if name)

_STUCK = _reading("""
select id, content, created, phase as done, since, worker
from queue join workflows on id = workflow
where since < now() - $3::float8 * interval '1 second' and {shown}
order by since limit $1
""")
_COUNT_STUCK = """
select count(*) as stuck
from (select from queue where since < now() - $1::float8 * interval '1 second' limit $2) as first_ones
"""


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
class Stuck:
    """A workflow that does not get on: nothing was recorded since `since`; `worker` has claimed its next phase."""

    workflow: Workflow
    since: dt.datetime
    worker: str | None


@dataclass(frozen=True)
class Created:
    """Outcome of a creation: `new`, or else whether what is stored under the id is the `same`."""

    workflow: Workflow
    new: bool
    same: bool


class WorkflowStore:
    """Workflows in the database. Limits are in seconds; every method raises UnavailableError.

    Those created longer than `hide_after_s` seconds ago are not found; 0 finds all.
    """

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

    async def read(self, workflow: str, *, hide_after_s: float, limit_s: float) -> Workflow | None:
        """The workflow with this id and its phases, if there is one."""
        async with self._reading.lease(limit_s / 2) as connection:
            rows = await connection.read(_READ, workflow, hide_after_s, limit_s=limit_s / 2)
        if not rows:
            return None
        phases = tuple(_phase(text) for text in rows[0]["phases"])
        return Workflow(rows[0]["id"], rows[0]["content"], rows[0]["created"], len(phases), phases)

    async def newest(self, count: int, wanted: str | None, *, hide_after_s: float, limit_s: float) -> list[Workflow]:
        """The newest workflows, of one state or of all, without their phases."""
        async with self._reading.lease(limit_s / 2) as connection:
            rows = await connection.read(_LISTS[wanted], count, hide_after_s, limit_s=limit_s / 2)
        return [_listed(row) for row in rows]

    async def stuck(self, count: int, stuck_after_s: float, *, hide_after_s: float, limit_s: float) -> list[Stuck]:
        """Workflows that are not done and have not got on for `stuck_after_s` seconds, the longest stuck first."""
        async with self._reading.lease(limit_s / 2) as connection:
            rows = await connection.read(_STUCK, count, hide_after_s, stuck_after_s, limit_s=limit_s / 2)
        return [Stuck(_listed(row), row["since"], row["worker"]) for row in rows]

    async def count_stuck(self, stuck_after_s: float, most: int, *, limit_s: float) -> int:
        """How many workflows are stuck, hidden ones too; it does not count beyond `most`."""
        async with self._reading.lease(limit_s / 2) as connection:
            rows = await connection.read(_COUNT_STUCK, stuck_after_s, most, limit_s=limit_s / 2)
        return int(rows[0]["stuck"])


def _listed(row: Row) -> Workflow:
    return Workflow(row["id"], row["content"], row["created"], row["done"])


def _phase(text: str) -> PhaseDone:
    phase, agent, artefact = text.strip("()").split(",")
    return PhaseDone(int(phase), int(agent), artefact)
