"""`python -m enhancer purge PREFIX...`: delete the workflows whose ids begin so, with their phases, and nothing else.

A program and no endpoint: whoever reaches the Service may call it, and is not to be able to delete anything.
"""

import asyncio
import re
import sys
from collections.abc import Sequence

from enhancer.storage.connection import Address, Connection
from enhancer.storage.errors import IndeterminateError, UnavailableError

AT_ONCE = 1000  # few enough that nobody waits for the deletion
SHORTEST = 4
_LIMIT_S = 10.0
_PREFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")

_DELETE = """
with doomed as (
    select id from workflows where starts_with(id, $1) limit $2
), queued as (
    delete from queue using doomed where workflow = id
), done as (
    delete from phases using doomed where workflow = id
), gone as (
    delete from workflows w using doomed d where w.id = d.id returning w.id
)
select count(*) as removed from gone
"""


def run(prefixes: Sequence[str]) -> int:
    """Delete them and say how many there were; the exit status: 0, 1 if it cannot be done, 2 if used wrongly."""
    if not prefixes or not all(_PREFIX.fullmatch(each) and len(each) >= SHORTEST for each in prefixes):
        sys.stderr.write(f"usage: python -m enhancer purge PREFIX... (each {SHORTEST} characters of an id or more)\n")
        return 2
    try:
        for prefix in prefixes:
            removed = asyncio.run(_purge(prefix))
            sys.stdout.write(f"removed {removed} workflows whose ids begin with {prefix}\n")
    except (UnavailableError, IndeterminateError) as error:
        sys.stderr.write(f"enhancer: not all could be removed, run it again: {error}\n")
        return 1
    return 0


async def _purge(prefix: str) -> int:
    """Delete in parts, each a transaction that is confirmed by the standby like any other."""
    connection = await Connection.open(Address.from_environment())
    total = 0
    try:
        while removed := (await connection.write(_DELETE, prefix, AT_ONCE, limit_s=_LIMIT_S))[0]["removed"]:
            total += removed
    finally:
        await connection.close()
    return total
