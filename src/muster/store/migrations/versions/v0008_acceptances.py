"""What people said of a release, and the gates that were held."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "muster_answers",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("system", sa.String(255), nullable=False),
        sa.Column("version", sa.String(80), nullable=False),
        sa.Column("question", sa.String(63), nullable=False),
        sa.Column("said", sa.String(8), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
    )
    op.create_index("muster_answers_by_version", "muster_answers", ["system", "version"])
    op.create_table(
        "muster_acceptances",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("system", sa.String(255), nullable=False),
        sa.Column("cluster", sa.String(255), nullable=False),
        sa.Column("release", sa.Text, nullable=False),
        sa.Column("version", sa.String(80), nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("expires", sa.String(32), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("baseline", sa.Integer, nullable=False),
    )
    op.create_index("muster_acceptances_by_system", "muster_acceptances", ["system", "cluster", "at"])
