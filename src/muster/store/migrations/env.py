"""What Alembic runs for each migration: one transaction, on the connection that `muster.store.migrate` opened."""

from __future__ import annotations

from alembic import context

from muster.store.schema import METADATA, VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"], target_metadata=METADATA, version_table=VERSION_TABLE
)
context.run_migrations()
