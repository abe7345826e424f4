"""Runs, their drills, and the objectives of each.

Written out, not taken from `muster.store.schema`: that goes on, this stays.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "muster_runs",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("started", sa.String(32), nullable=False),
        sa.Column("finished", sa.String(32)),
        sa.Column("system", sa.String(255), nullable=False),
        sa.Column("cluster", sa.String(255), nullable=False),
        sa.Column("evidence", sa.String(16), nullable=False),
        sa.Column("muster_version", sa.String(64), nullable=False),
        sa.Column("git_commit", sa.String(64)),
        sa.Column("seed", sa.BigInteger),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
    )
    op.create_table(
        "muster_drills",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run_id", sa.String(64), sa.ForeignKey("muster_runs.id", ondelete="CASCADE"), nullable=False),
        sa.Column("nodeid", sa.Text, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        *(sa.Column(name, sa.String(size)) for name, size in (("severity", 8), ("cadence", 16))),
        *(sa.Column(name, sa.String(255)) for name in ("fault", "procedure")),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("recovered_by", sa.String(255)),
        *(sa.Column(f"rto_{name}_s", sa.Float) for name in ("value", "low", "high", "since_injection")),
        *(sa.Column(f"rto_{name}_s", sa.Float) for name in ("target", "budget")),
        sa.Column("rto_verdict", sa.String(16)),
        *(sa.Column(f"rpo_{name}_s", sa.Float) for name in ("value", "high", "target")),
        sa.Column("rpo_verdict", sa.String(16)),
        *(sa.Column(name, sa.BigInteger) for name in ("lost_writes", "max_lost_writes", "acknowledged_writes")),
        *(sa.Column(f"detection_{name}_s", sa.Float) for name in ("value", "target")),
        sa.Column("detection_verdict", sa.String(16)),
        sa.Column("timeline", sa.Text),
        sa.UniqueConstraint("run_id", "nodeid", name="muster_drills_once_a_run"),
    )
    op.create_index("muster_drills_by_name", "muster_drills", ["name", "at"])
    op.create_index("muster_drills_by_time", "muster_drills", ["at"])
    op.create_table(
        "muster_objectives",
        sa.Column("drill_id", sa.Integer, sa.ForeignKey("muster_drills.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("window", sa.String(16), primary_key=True),
        sa.Column("target", sa.Float, nullable=False),
        sa.Column("value", sa.Float),
        sa.Column("samples", sa.BigInteger, nullable=False),
        sa.Column("verdict", sa.String(16)),
    )
