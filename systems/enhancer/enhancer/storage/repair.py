"""What an operator may ask of the queue and of the roster.

Each call has a connection of its own, as those for writing may all be waiting for a lost standby. It waits for none
itself: what is lost with the primary is asked for again.
"""

import asyncio
from dataclasses import dataclass

from enhancer.storage.connection import Address, Connection, Row
from enhancer.storage.errors import UnavailableError

_AT_ONCE = 2  # calls of one pod: whoever floods them must not use up the database's connections

_RESUME = "update queue set due = now(), worker = null where workflow = $1"

# Claims go by the workers' own heart-beats: a worker that is silent may have claims and no agent any more.
_RELEASE_SILENT = """
with silent as (
    select id, holder from agents where holder is not null and beat < now() - $1::float8 * interval '1 second'
    order by id for update skip locked
), released as (
    update agents a set holder = null from silent s where a.id = s.id
), gone as (
    delete from workers where beat < now() - $1::float8 * interval '1 second'
), freed as (
    update queue set due = now(), worker = null where workflow in (
        select workflow from queue where worker is not null and worker not in (
            select name from workers where beat >= now() - $1::float8 * interval '1 second'
        ) for update skip locked
    ) returning workflow
)
select array(select id from silent) as ids, array(select holder from silent) as holders,
    (select count(*) from freed) as phases
"""


@dataclass(frozen=True)
class Released:
    """Agents that were freed, with who had held them, and how many claimed phases became due again."""

    agents: dict[int, str]
    phases: int


class Repair:
    """Every method raises UnavailableError or IndeterminateError, and may be called again.

    `limit_s` is for waiting and for the statement; to open the connection may take twice CONNECT_LIMIT_S more.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._free = asyncio.Semaphore(_AT_ONCE)

    async def resume(self, workflow: str, *, limit_s: float) -> None:
        """Make the next phase of a workflow due at once, whoever has claimed it."""
        await self._write(_RESUME, workflow, limit_s=limit_s)

    async def release_silent(self, silent_s: float, *, limit_s: float) -> Released:
        """Free the agents and claims of workers without heart-beat for `silent_s` seconds, for others to take."""
        row = (await self._write(_RELEASE_SILENT, silent_s, limit_s=limit_s))[0]
        return Released(dict(zip(row["ids"], row["holders"], strict=True)), row["phases"])

    async def _write(self, sql: str, *arguments: object, limit_s: float) -> list[Row]:
        try:
            async with asyncio.timeout(limit_s / 2):
                await self._free.acquire()
        except TimeoutError:
            raise UnavailableError("other operators' calls take too long") from None
        try:
            connection = await Connection.open(self._address, synchronous_commit="off")
            try:
                return await connection.write(sql, *arguments, limit_s=limit_s / 2)
            finally:
                await connection.close()
        finally:
            self._free.release()
