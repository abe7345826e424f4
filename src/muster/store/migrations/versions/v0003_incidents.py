"""Incidents, and what happened during each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "muster_incidents",
        sa.Column("id", sa.String(32), primary_key=True),
        *(sa.Column(name, sa.String(255), nullable=False) for name in ("system", "cluster")),
        sa.Column("severity", sa.String(8), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        *(sa.Column(name, sa.String(255)) for name in ("cause", "drill")),
        *(sa.Column(name, sa.String(32), nullable=False) for name in ("began", "detected", "opened")),
        *(sa.Column(name, sa.String(32)) for name in ("acknowledged", "resolved")),
        *(sa.Column(name, sa.String(255)) for name in ("commander", "technical", "business")),
    )
    op.create_index("muster_incidents_by_system", "muster_incidents", ["system", "opened"])
    op.create_table(
        "muster_incident_entries",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "incident_id", sa.String(32), sa.ForeignKey("muster_incidents.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        *(sa.Column(name, sa.String(255), nullable=False) for name in ("by", "host")),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("data", sa.Text),
    )
    op.create_index("muster_incident_entries_by_incident", "muster_incident_entries", ["incident_id", "at"])
