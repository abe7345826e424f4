"""The tables, as the newest migration leaves them. Names carry a prefix: on a server they may have neighbours."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

VERSION_TABLE = "muster_history_version"
# The revision that this muster reads and writes: the newest of migrations/versions.
REVISION = "0009"

METADATA = MetaData()

RUNS = Table(
    "muster_runs",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("started", String(32), nullable=False),
    Column("finished", String(32)),
    Column("system", String(255), nullable=False),
    Column("cluster", String(255), nullable=False),
    Column("evidence", String(16), nullable=False),
    Column("muster_version", String(64), nullable=False),
    Column("git_commit", String(64)),
    Column("seed", BigInteger),
    Column("verdict", String(16), nullable=False),
    Column("why", Text, nullable=False),
)

DRILLS = Table(
    "muster_drills",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("run_id", String(64), ForeignKey("muster_runs.id", ondelete="CASCADE"), nullable=False),
    Column("nodeid", Text, nullable=False),
    Column("at", String(32), nullable=False),
    Column("name", String(255), nullable=False),
    Column("severity", String(8)),
    Column("cadence", String(16)),
    Column("fault", String(255)),
    Column("procedure", String(255)),
    Column("verdict", String(16), nullable=False),
    Column("why", Text, nullable=False),
    Column("recovered_by", String(255)),
    Column("rto_value_s", Float),
    Column("rto_low_s", Float),
    Column("rto_high_s", Float),
    Column("rto_since_injection_s", Float),
    Column("rto_target_s", Float),
    Column("rto_budget_s", Float),
    Column("rto_verdict", String(16)),
    Column("rpo_value_s", Float),
    Column("rpo_high_s", Float),
    Column("rpo_target_s", Float),
    Column("rpo_verdict", String(16)),
    Column("lost_writes", BigInteger),
    Column("max_lost_writes", BigInteger),
    Column("acknowledged_writes", BigInteger),
    Column("detection_value_s", Float),
    Column("detection_target_s", Float),
    Column("detection_verdict", String(16)),
    Column("timeline", Text),
    Column("repetition", Integer),
    Column("repetitions", Integer),
    Column("version", String(80)),
    UniqueConstraint("run_id", "nodeid", name="muster_drills_once_a_run"),
)
Index("muster_drills_by_name", DRILLS.c.name, DRILLS.c.at)
Index("muster_drills_by_time", DRILLS.c.at)

VERSIONS = Table(
    "muster_versions",
    METADATA,
    Column("key", String(80), primary_key=True),
    Column("content", Text, nullable=False),
)

OBJECTIVES = Table(
    "muster_objectives",
    METADATA,
    Column("drill_id", Integer, ForeignKey("muster_drills.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("window", String(16), primary_key=True),
    Column("target", Float, nullable=False),
    Column("value", Float),
    Column("samples", BigInteger, nullable=False),
    Column("verdict", String(16)),
)

INCIDENTS = Table(
    "muster_incidents",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("system", String(255), nullable=False),
    Column("cluster", String(255), nullable=False),
    Column("severity", String(8), nullable=False),
    Column("title", Text, nullable=False),
    Column("cause", String(255)),
    Column("drill", String(255)),
    Column("began", String(32), nullable=False),
    Column("detected", String(32), nullable=False),
    Column("opened", String(32), nullable=False),
    Column("acknowledged", String(32)),
    Column("resolved", String(32)),
    Column("commander", String(255)),
    Column("technical", String(255)),
    Column("business", String(255)),
    Column("promises", Text),
)
Index("muster_incidents_by_system", INCIDENTS.c.system, INCIDENTS.c.opened)

INCIDENT_ENTRIES = Table(
    "muster_incident_entries",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("incident_id", String(32), ForeignKey("muster_incidents.id", ondelete="CASCADE"), nullable=False),
    Column("at", String(32), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("by", String(255), nullable=False),
    Column("host", String(255), nullable=False),
    Column("text", Text, nullable=False),
    Column("data", Text),
)
Index("muster_incident_entries_by_incident", INCIDENT_ENTRIES.c.incident_id, INCIDENT_ENTRIES.c.at)

NOTICES = Table(
    "muster_notices",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("key", String(255), nullable=False),
    Column("turn", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("step", String(64), nullable=False),
    Column("at", String(32), nullable=False),
    Column("severity", String(8), nullable=False),
    Column("system", String(255), nullable=False),
    Column("cluster", String(255), nullable=False),
    Column("title", Text, nullable=False),
    Column("source", String(64), nullable=False),
    Column("drill", String(255)),
    Column("incident", String(32)),
    Column("seen", Integer, nullable=False),
    Column("last_seen", String(32), nullable=False),
    UniqueConstraint("key", "turn", "state", "step", name="muster_notices_once"),
)

DELIVERIES = Table(
    "muster_deliveries",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("notice_id", Integer, ForeignKey("muster_notices.id", ondelete="CASCADE"), nullable=False),
    Column("channel", String(64), nullable=False),
    Column("uid", String(36), nullable=False),
    Column("template", String(64), nullable=False),
    Column("language", String(16), nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due", String(32), nullable=False),
    Column("until", String(32), nullable=False),
    Column("message", String(36)),
    Column("claim", String(36)),
    Column("claimed_until", String(32)),
    Column("ended", String(32)),
    Column("why", Text),
)
Index("muster_deliveries_by_channel", DELIVERIES.c.channel, DELIVERIES.c.state, DELIVERIES.c.ended)
Index("muster_deliveries_by_notice", DELIVERIES.c.notice_id)

ALERTS = Table(
    "muster_alerts",
    METADATA,
    Column("system", String(255), primary_key=True),
    Column("cluster", String(255), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("levels", String(255), nullable=False),
    Column("checks", String(255), nullable=False),
    Column("severity", String(8)),
    Column("title", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("cause", String(255), nullable=False),
    Column("began", String(32), nullable=False),
    Column("raised", String(32)),
)

ALERT_CHANGES = Table(
    "muster_alert_changes",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("system", String(255), nullable=False),
    Column("cluster", String(255), nullable=False),
    Column("key", String(255), nullable=False),
    Column("at", String(32), nullable=False),
    Column("severity", String(8)),
    Column("was", String(8)),
    Column("title", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("cause", String(255), nullable=False),
    Column("drill", String(255)),
)
Index("muster_alert_changes_by_system", ALERT_CHANGES.c.system, ALERT_CHANGES.c.cluster, ALERT_CHANGES.c.at)

ALERTS_TOLD = Table(
    "muster_alerts_told",
    METADATA,
    Column("change_id", Integer, ForeignKey("muster_alert_changes.id", ondelete="CASCADE"), primary_key=True),
    Column("teller", String(64), primary_key=True),
    Column("at", String(32), nullable=False),
    Column("said", Text, nullable=False),
)

ANSWERS = Table(
    "muster_answers",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("system", String(255), nullable=False),
    Column("version", String(80), nullable=False),
    Column("question", String(63), nullable=False),
    Column("said", String(8), nullable=False),
    Column("by", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("at", String(32), nullable=False),
    Column("host", String(255), nullable=False),
)
Index("muster_answers_by_version", ANSWERS.c.system, ANSWERS.c.version)

ACCEPTANCES = Table(
    "muster_acceptances",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("system", String(255), nullable=False),
    Column("cluster", String(255), nullable=False),
    Column("release", Text, nullable=False),
    Column("version", String(80), nullable=False),
    Column("purpose", String(16), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("why", Text, nullable=False),
    Column("at", String(32), nullable=False),
    Column("expires", String(32), nullable=False),
    Column("by", Text, nullable=False),
    Column("baseline", Integer, nullable=False),
)
Index("muster_acceptances_by_system", ACCEPTANCES.c.system, ACCEPTANCES.c.cluster, ACCEPTANCES.c.at)

RELEASES = Table(
    "muster_releases",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("system", String(255), nullable=False),
    Column("cluster", String(255), nullable=False),
    Column("namespace", String(255), nullable=False),
    Column("evidence", String(16), nullable=False),
    Column("release", Text, nullable=False),
    Column("version", String(255), nullable=False),
    Column("stable", String(255), nullable=False),
    Column("images", Text, nullable=False),
    Column("began", String(32), nullable=False),
    Column("ended", String(32)),
    Column("state", String(16), nullable=False),
    Column("phase", String(16), nullable=False),
    Column("share", Float, nullable=False),
    Column("way", String(32), nullable=False),
    Column("why", Text, nullable=False),
    Column("cause", String(16), nullable=False),
    Column("by", String(255), nullable=False),
    Column("host", String(255), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("time_scale", Float, nullable=False),
    Column("roles", Text, nullable=False),
    Column("database", Text),
    Column("backup", Text),
    Column("returned", Text),
    Column("told", String(32), nullable=False),
)
Index("muster_releases_by_system", RELEASES.c.system, RELEASES.c.began)

RELEASE_EVENTS = Table(
    "muster_release_events",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("release_id", String(64), ForeignKey("muster_releases.id", ondelete="CASCADE"), nullable=False),
    Column("at", String(32), nullable=False),
    Column("what", Text, nullable=False),
    Column("by", String(255), nullable=False),
    Column("phase", String(16), nullable=False),
    Column("share", Float, nullable=False),
)
Index("muster_release_events_by_release", RELEASE_EVENTS.c.release_id, RELEASE_EVENTS.c.at)

RELEASE_LOOKS = Table(
    "muster_release_looks",
    METADATA,
    Column("release_id", String(64), ForeignKey("muster_releases.id", ondelete="CASCADE"), primary_key=True),
    Column("at", String(32), primary_key=True),
    Column("phase", String(16), nullable=False),
    Column("at_s", Float, nullable=False),
    Column("share", Float, nullable=False),
    Column("decision", String(16), nullable=False),
    Column("why", Text, nullable=False),
    Column("stable_requests", Float),
    Column("stable_failed", Float),
    Column("stable_p95_s", Float),
    Column("canary_requests", Float),
    Column("canary_failed", Float),
    Column("canary_p95_s", Float),
    Column("triggers", Text, nullable=False),
)
