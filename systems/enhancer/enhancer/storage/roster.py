"""Who holds which agent: heart-beats, fair shares, take-overs. All times are the database's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from enhancer.storage.pool import Pool
from enhancer.storage.schema import AGENTS

# Tells in one statement how many workers live, renews this one and its agents, and frees what the silent claimed.
# It must not wait for rows that somebody is recording: that may take as long as the standby, and all workers
# would fall silent.
_BEAT = """
with me as (
    insert into workers (name, beat, protocol) values ($1, now(), $5)
    on conflict (name) do update set beat = now(), protocol = $5
), silent as (
    select name from workers where name <> $1 and beat < now() - $2 * interval '1 second'
), freed as (
    update queue set due = now(), worker = null where exists (select from silent) and workflow in (
        select workflow from queue where worker in (select name from silent) for update skip locked
    )
), gone as (
    delete from workers where beat < now() - 10 * $2 * interval '1 second'
), counted as (
    update agents a set phases = a.phases + c.count
    from unnest($3::smallint[], $4::bigint[]) as c(id, count) where a.id = c.id and a.holder <> $1
), renewed as (
    update agents a set beat = now(), phases = a.phases + coalesce(
        (select c.count from unnest($3::smallint[], $4::bigint[]) as c(id, count) where c.id = a.id), 0)
    where holder = $1 returning id
)
select array(select id from renewed order by id) as held,
    (select protocol from installation) = $5 as accepted,
    1 + (
        select count(*) from workers where name <> $1 and protocol = $5 and beat > now() - $2 * interval '1 second'
    ) as workers
"""

_CLAIM = """
update agents set holder = $1, beat = now() where id in (
    select id from agents
    where holder is null or (holder <> $1 and beat < now() - $2 * interval '1 second')
    order by id limit $3 for update skip locked
) returning id
"""

_RELEASE = "update agents set holder = null where holder = $1 and id = any($2::smallint[])"
_LEAVE = """
with gone as (
    delete from workers where name = $1
), freed as (
    update queue set due = now(), worker = null where workflow in (
        select workflow from queue where worker = $1 for update skip locked
    )
)
update agents set holder = null where holder = $1
"""

_INCOMPATIBLE = """
select count(*) as workers from workers
where not protocol = any($1::smallint[]) and beat > now() - $2 * interval '1 second'
"""

# By heart-beats alone: one that is just handed over from a worker that leaves or has too many is not missed.
_LIST = "select id, holder, beat, beat > now() - $1 * interval '1 second' as available, phases from agents order by id"


@dataclass(frozen=True)
class Agent:
    """An agent as the database knows it; `beat` is ISO 8601 or None if it never had a heart-beat."""

    id: int
    holder: str | None
    beat: str | None
    available: bool
    phases: int


@dataclass(frozen=True)
class Standing:
    """What a worker learns from a heart-beat: the agents that it holds and its fair share of all.

    Who is of another protocol than the installation is not `accepted`: its share is none, and nobody else's is less.
    """

    held: frozenset[int]
    share: int
    accepted: bool


class Roster:
    """The agents in the database. Every method raises UnavailableError or IndeterminateError."""

    def __init__(self, pool: Pool, limit_s: float) -> None:
        self._pool = pool
        self._limit_s = limit_s

    async def beat(self, worker: str, protocol: int, done: Mapping[int, int], expiry_s: float) -> Standing:
        """Give signs of life of a worker and its agents; `done` counts phases by agent since the last beat.

        What workers have claimed that were silent for `expiry_s` is due at once.
        """
        async with self._pool.lease(self._limit_s) as connection:
            rows = await connection.write(
                _BEAT, worker, expiry_s, list(done), list(done.values()), protocol, limit_s=self._limit_s
            )
        accepted = bool(rows[0]["accepted"])
        share = -(-AGENTS // rows[0]["workers"]) if accepted else 0
        return Standing(frozenset(rows[0]["held"]), share, accepted)

    async def claim(self, worker: str, count: int, expiry_s: float) -> frozenset[int]:
        """Take up to `count` agents that are free or whose holder has been silent for `expiry_s`."""
        async with self._pool.lease(self._limit_s) as connection:
            rows = await connection.write(_CLAIM, worker, expiry_s, count, limit_s=self._limit_s)
        return frozenset(row["id"] for row in rows)

    async def release(self, worker: str, agents: list[int]) -> None:
        """Give agents back, for others to take."""
        async with self._pool.lease(self._limit_s) as connection:
            await connection.write(_RELEASE, worker, agents, limit_s=self._limit_s)

    async def leave(self, worker: str) -> None:
        """Give back agents and claimed phases, and be no worker any more."""
        async with self._pool.lease(self._limit_s) as connection:
            await connection.write(_LEAVE, worker, limit_s=self._limit_s)

    async def incompatible(self, spoken: Sequence[int], silent_s: float) -> int:
        """How many workers are there of other protocols, with a heart-beat in the last `silent_s` seconds."""
        async with self._pool.lease(self._limit_s) as connection:
            rows = await connection.read(_INCOMPATIBLE, list(spoken), silent_s, limit_s=self._limit_s)
        return int(rows[0]["workers"])

    async def agents(self, silent_s: float) -> list[Agent]:
        """All agents, by id; available are those with a heart-beat in the last `silent_s` seconds."""
        async with self._pool.lease(self._limit_s) as connection:
            rows = await connection.read(_LIST, silent_s, limit_s=self._limit_s)
        return [
            Agent(
                id=row["id"],
                holder=row["holder"],
                beat=row["beat"].isoformat() if row["holder"] else None,
                available=row["available"],
                phases=row["phases"],
            )
            for row in rows
        ]
