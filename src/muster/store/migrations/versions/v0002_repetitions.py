"""Which repetition of its drill a row is, of how many (`--repeat`)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for name in ("repetition", "repetitions"):
        op.add_column("muster_drills", sa.Column(name, sa.Integer))
