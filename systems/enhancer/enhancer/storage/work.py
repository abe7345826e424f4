"""The queue of phases as a worker sees it: claimed under a lease, recorded durably, or given back."""

from collections.abc import Collection
from dataclasses import dataclass

from enhancer.phases import PHASES, Work
from enhancer.storage.pool import Pool

_CLAIM = """
with taken as (
    select workflow from queue where due <= now() order by due limit $1 for update skip locked
)
update queue q set due = now() + $2 * interval '1 second', worker = $3 from taken t where q.workflow = t.workflow
returning q.workflow, q.phase, q.previous, (select content from workflows w where w.id = q.workflow) as content
"""

# Nobody waits here for a row that somebody is recording: that one moves on anyway.
_GIVE_BACK = """
update queue set due = now(), worker = null where workflow in (
    select workflow from queue where worker = $1
        and (workflow, phase) not in (select * from unnest($2::text[], $3::smallint[]))
    for update skip locked
)
"""

# A phase that somebody recorded before (its lease had run out) stays as it is: artefacts are the same anyway.
# Only who recorded it moves the workflow on.
_RECORD = """
with done as (
    select * from unnest($1::text[], $2::smallint[], $3::smallint[], $4::text[]) as d(workflow, phase, agent, artefact)
), kept as (
    insert into phases (workflow, phase, agent, artefact)
    select d.* from done d join queue q on q.workflow = d.workflow and q.phase = d.phase order by d.workflow
    on conflict do nothing returning workflow, phase, artefact
), moved as (
    update queue q set phase = k.phase + 1, previous = k.artefact, due = now(), since = now(), worker = null
    from kept k where q.workflow = k.workflow and k.phase < $5::smallint
), ended as (
    delete from queue q using kept k where q.workflow = k.workflow and k.phase >= $5::smallint
)
select count(*) from kept
"""

_LAST = len(PHASES) - 1


@dataclass(frozen=True)
class Done:
    """A phase that an agent has done."""

    work: Work
    agent: int
    artefact: str


class WorkQueue:
    """Phases to be done, for the worker of this name. Every method raises UnavailableError or IndeterminateError.

    `leases` are connections that do not wait for durability: a lease that is lost has the phase done again.
    `records` are connections that do.
    """

    def __init__(self, worker: str, leases: Pool, records: Pool, limit_s: float) -> None:
        self._worker = worker
        self._leases = leases
        self._records = records
        self._limit_s = limit_s

    async def claim(self, count: int, lease_s: float) -> list[Work]:
        """Up to `count` phases that are due, oldest first, for `lease_s` seconds."""
        async with self._leases.lease(self._limit_s) as connection:
            rows = await connection.write(_CLAIM, count, lease_s, self._worker, limit_s=self._limit_s)
        return [Work(row["workflow"], row["phase"], row["previous"], row["content"]) for row in rows]

    async def give_back(self, keep: Collection[tuple[str, int]]) -> None:
        """Make due at once what this worker has claimed, but for `keep`: workflows and indices of their phases."""
        columns = [workflow for workflow, _ in keep], [phase for _, phase in keep]
        async with self._leases.lease(self._limit_s) as connection:
            await connection.write(_GIVE_BACK, self._worker, *columns, limit_s=self._limit_s)

    async def record(self, done: list[Done]) -> None:
        """Record phases durably on both databases; what was recorded before is not recorded again."""
        columns = (
            [each.work.workflow for each in done],
            [each.work.phase for each in done],
            [each.agent for each in done],
            [each.artefact for each in done],
        )
        async with self._records.lease(self._limit_s) as connection:
            await connection.write(_RECORD, *columns, _LAST, limit_s=self._limit_s)
