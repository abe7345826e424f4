"""Notices, and what became of each on its way to a channel."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "muster_notices",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("turn", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("step", sa.String(64), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("severity", sa.String(8), nullable=False),
        *(sa.Column(name, sa.String(255), nullable=False) for name in ("system", "cluster")),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("drill", sa.String(255)),
        sa.Column("incident", sa.String(32)),
        sa.Column("seen", sa.Integer, nullable=False),
        sa.Column("last_seen", sa.String(32), nullable=False),
        sa.UniqueConstraint("key", "turn", "state", "step", name="muster_notices_once"),
    )
    op.create_table(
        "muster_deliveries",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("notice_id", sa.Integer, sa.ForeignKey("muster_notices.id", ondelete="CASCADE"), nullable=False),
        sa.Column("channel", sa.String(64), nullable=False),
        sa.Column("uid", sa.String(36), nullable=False),
        sa.Column("template", sa.String(64), nullable=False),
        sa.Column("language", sa.String(16), nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("subject", "body")),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        *(sa.Column(name, sa.String(32), nullable=False) for name in ("due", "until")),
        *(sa.Column(name, sa.String(36)) for name in ("message", "claim")),
        *(sa.Column(name, sa.String(32)) for name in ("claimed_until", "ended")),
        sa.Column("why", sa.Text),
    )
    op.create_index("muster_deliveries_by_channel", "muster_deliveries", ["channel", "state", "ended"])
    op.create_index("muster_deliveries_by_notice", "muster_deliveries", ["notice_id"])
