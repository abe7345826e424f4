"""Alerts of the monitor: where each stands, how it came there, and who was told of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "muster_alerts",
        *(sa.Column(name, sa.String(255), primary_key=True) for name in ("system", "cluster", "key")),
        *(sa.Column(name, sa.String(255), nullable=False) for name in ("levels", "checks")),
        sa.Column("severity", sa.String(8)),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("cause", sa.String(255), nullable=False),
        sa.Column("began", sa.String(32), nullable=False),
        sa.Column("raised", sa.String(32)),
    )
    op.create_table(
        "muster_alert_changes",
        sa.Column("id", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.String(255), nullable=False) for name in ("system", "cluster", "key")),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("severity", sa.String(8)),
        sa.Column("was", sa.String(8)),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("cause", sa.String(255), nullable=False),
        sa.Column("drill", sa.String(255)),
    )
    op.create_index("muster_alert_changes_by_system", "muster_alert_changes", ["system", "cluster", "at"])
    op.create_table(
        "muster_alerts_told",
        sa.Column(
            "change_id", sa.Integer, sa.ForeignKey("muster_alert_changes.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("teller", sa.String(64), primary_key=True),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("said", sa.Text, nullable=False),
    )
