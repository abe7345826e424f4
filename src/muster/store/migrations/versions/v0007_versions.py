"""Which version of the system a drill was held against: each once, and by its key with every drill of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "muster_versions",
        sa.Column("key", sa.String(80), primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
    )
    # Null: nobody kept it. What was held before is of an unknown version.
    op.add_column("muster_drills", sa.Column("version", sa.String(80)))
