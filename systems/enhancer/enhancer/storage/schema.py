"""The tables, and their installation."""

import asyncio
import logging

from enhancer.storage.connection import Address, Connection
from enhancer.storage.errors import IndeterminateError, UnavailableError

log = logging.getLogger(__name__)

AGENTS = 61  # as in _SCHEMA
_RETRY_S = 0.3
_STATEMENT_LIMIT_S = 5.0

# What a later version has added. It has a default, so that an older version may run beside it and know nothing of it.
# Heart-beats wait while this waits: not for long, it is tried again.
_UPGRADE = """
begin;
set local synchronous_commit = local;
set local client_min_messages = warning;
set local lock_timeout = '1s';
select pg_advisory_xact_lock(61008);
alter table installation add column if not exists protocol smallint not null default 1;
alter table workers add column if not exists protocol smallint not null default 1;
commit;
"""

# Several API pods may install at once: the lock lets one, and `if not exists` finds nothing left to do.
# Committed locally: whether a standby confirms is asked afterwards, without holding locks meanwhile.
_SCHEMA = """
begin;
set local synchronous_commit = local;
set local client_min_messages = warning;
select pg_advisory_xact_lock(61008);
create table if not exists installation (
    only_one   boolean primary key default true check (only_one),
    asked      timestamptz not null default now(),
    replicated boolean not null default false
);
create table if not exists workflows (
    id      text primary key,
    content text not null,           -- canonical JSON: title and payload
    digest  text not null,           -- SHA-256 of the content
    created timestamptz not null default clock_timestamp()
);
create index if not exists workflows_created on workflows (created);
create table if not exists phases (
    workflow text not null,
    phase    smallint not null,
    agent    smallint not null,
    artefact text not null,
    recorded timestamptz not null default clock_timestamp(),
    primary key (workflow, phase)
);
-- One row for each workflow that is not done. `due` is its place in the queue and its lease in one: whoever
-- claims the phase moves it into the future, and if nothing is recorded until then it is claimed again.
-- `worker` holds the claim: when that one is silent or leaves, the phase is due at once. `since` is when the
-- phase before was recorded, or the workflow created: long ago means stuck.
create table if not exists queue (
    workflow text primary key,
    phase    smallint not null default 0,
    previous text not null default '',
    due      timestamptz not null default clock_timestamp(),
    worker   text,
    since    timestamptz not null default clock_timestamp()
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
create index if not exists queue_due on queue (due);
create index if not exists queue_since on queue (since);
create table if not exists workers (
    name text primary key,
    beat timestamptz not null
);
create table if not exists agents (
    id     smallint primary key,
    holder text,
    beat   timestamptz not null default '-infinity',
    phases bigint not null default 0
);
insert into agents (id) select generate_series(1, 61) on conflict do nothing;
insert into installation default values on conflict do nothing;
commit;
"""

_LOOK = """
select to_regclass('installation') is not null as installed, exists(
    select from pg_attribute where attrelid = to_regclass('workers') and attname = 'protocol' and not attisdropped
) as complete
"""


async def install(address: Address) -> None:
    """Make the schema and wait until a commit was confirmed by the standby, once in the system's life.

    So the first workflow is accepted only when both databases are at work. Later starts find that recorded,
    also those on a primary that runs alone by an operator's decision.
    """
    told = ""
    while True:
        try:
            await _install(address)
        except (UnavailableError, IndeterminateError) as error:
            if str(error) != told:
                told = str(error)
                log.info("waiting to install the schema: %s", told)
            await asyncio.sleep(_RETRY_S)
        else:
            return


async def present(address: Address) -> None:
    """Return when somebody has installed the schema."""
    while not await _is_present(address):  # noqa: ASYNC110 (asks another process)
        await asyncio.sleep(_RETRY_S)


async def _is_present(address: Address) -> bool:
    try:
        connection = await Connection.open(address)
    except UnavailableError:
        return False
    try:
        return await _upgraded(connection)
    except (UnavailableError, IndeterminateError):
        return False
    finally:
        await connection.close()


async def _upgraded(connection: Connection) -> bool:
    """Whether there is a schema, which is then of this version: a worker may be there before any API of it."""
    row = (await connection.read(_LOOK, limit_s=_STATEMENT_LIMIT_S))[0]
    if row["installed"] and not row["complete"]:
        await connection.execute(_UPGRADE, limit_s=_STATEMENT_LIMIT_S)
        log.info("schema of an older version completed")
    return bool(row["installed"])


async def _install(address: Address) -> None:
    connection = await Connection.open(address)
    try:
        if not await _upgraded(connection):
            await connection.execute(_SCHEMA, limit_s=_STATEMENT_LIMIT_S)
            await _upgraded(connection)
        row = await connection.read("select replicated from installation", limit_s=_STATEMENT_LIMIT_S)
        if not row[0]["replicated"]:
            await connection.write("update installation set asked = now()", limit_s=_STATEMENT_LIMIT_S)
            await connection.write("update installation set replicated = true", limit_s=_STATEMENT_LIMIT_S)
            log.info("schema installed and confirmed by the standby")
    finally:
        await connection.close()
