"""Releases: how each went, what happened to it, and what was seen of it at each look."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "muster_releases",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("system", sa.String(255), nullable=False),
        sa.Column("cluster", sa.String(255), nullable=False),
        sa.Column("namespace", sa.String(255), nullable=False),
        sa.Column("evidence", sa.String(16), nullable=False),
        sa.Column("release", sa.Text, nullable=False),
        sa.Column("version", sa.String(255), nullable=False),
        sa.Column("stable", sa.String(255), nullable=False),
        sa.Column("images", sa.Text, nullable=False),
        sa.Column("began", sa.String(32), nullable=False),
        sa.Column("ended", sa.String(32)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("phase", sa.String(16), nullable=False),
        sa.Column("share", sa.Float, nullable=False),
        sa.Column("way", sa.String(32), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("cause", sa.String(16), nullable=False),
        sa.Column("by", sa.String(255), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("time_scale", sa.Float, nullable=False),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("database", sa.Text),
        sa.Column("backup", sa.Text),
        sa.Column("returned", sa.Text),
        sa.Column("told", sa.String(32), nullable=False),
    )
    op.create_index("muster_releases_by_system", "muster_releases", ["system", "began"])
    op.create_table(
        "muster_release_events",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("release_id", sa.String(64), sa.ForeignKey("muster_releases.id", ondelete="CASCADE"), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("by", sa.String(255), nullable=False),
        sa.Column("phase", sa.String(16), nullable=False),
        sa.Column("share", sa.Float, nullable=False),
    )
    op.create_index("muster_release_events_by_release", "muster_release_events", ["release_id", "at"])
    op.create_table(
        "muster_release_looks",
        sa.Column(
            "release_id", sa.String(64), sa.ForeignKey("muster_releases.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("at", sa.String(32), primary_key=True),
        sa.Column("phase", sa.String(16), nullable=False),
        sa.Column("at_s", sa.Float, nullable=False),
        sa.Column("share", sa.Float, nullable=False),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        # Null: it could not be had at that look.
        sa.Column("stable_requests", sa.Float),
        sa.Column("stable_failed", sa.Float),
        sa.Column("stable_p95_s", sa.Float),
        sa.Column("canary_requests", sa.Float),
        sa.Column("canary_failed", sa.Float),
        sa.Column("canary_p95_s", sa.Float),
        sa.Column("triggers", sa.Text, nullable=False),
    )
