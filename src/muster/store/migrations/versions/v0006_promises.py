"""What a system promised of its incidents when they were opened, in place of muster's own table."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("muster_incidents", sa.Column("promises", sa.Text))
