"""The file of settings that a project's environment holds: every one explained, and none set by itself."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
from pathlib import Path

from muster.backup.keys import KEY_VARIABLE, RECIPIENTS_VARIABLE
from muster.backup.store import STORE_VARIABLE
from muster.base.errors import MusterError

FILE = "muster.env"
LOAD = f"set -a; . ./{FILE}; set +a"
_SETTINGS: tuple[tuple[str, str, str], ...] = (
    (
        "MUSTER_HISTORY",
        "postgresql://muster@db.example/muster",
        "Where drills, incidents and notices are kept (default: reports/history.sqlite): one for all who are on call.",
    ),
    ("MUSTER_KUBE_CONTEXT", "staging", "The context of your kubeconfig that commands ask, unless they name another."),
    (
        "MUSTER_NOTICES_ONCALL",
        "pagerduty://INTEGRATION_KEY",
        "Whom people are told by: MUSTER_NOTICES_<NAME>, one address each. Any address of apprise, or PagerDuty.",
    ),
    ("MUSTER_NOTICES_TEAM", "slack://TOKEN_A/TOKEN_B/TOKEN_C", ""),
    (STORE_VARIABLE, "/mnt/backups", "Where backups lie, in place of backup.store of system.yaml."),
    (RECIPIENTS_VARIABLE, "age1...", "For whom backups are encrypted (no secret): muster backup key FILE prints it."),
    (KEY_VARIABLE, "/secure/backup.key", "The file that opens backups. Keep it where nobody who drills can lose it."),
    ("MUSTER_GATE_KEY", "/secure/gate.key", "The key that signs acceptances of releases, or its file (docs/gate.md)."),
    (
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "http://collector.example:4318",
        "A collector that drills are sent to as spans (extra otel).",
    ),
)
_SET = re.compile(r"^\s*(?:export\s+)?([A-Z][A-Z0-9_]*)=(.*)$")


def text() -> str:
    """The file as it is first written: all settings as comments."""
    parts = [
        "# Settings of muster. Some are secret: keep this file out of version control.\n",
        f"# Quote every value. Load it with: {LOAD}\n",
    ]
    for name, example, why in _SETTINGS:
        said = "".join(f"\n# {line}" for line in why.splitlines())
        parts.append(f"{said}\n#{name}='{example}'\n" if said else f"#{name}='{example}'\n")
    return "".join(parts)


class SettingsError(MusterError):
    """A line of the file is no setting."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line} is no setting")
        self.line = line


def names_set(path: Path) -> list[str]:
    """The settings that a file sets, in its order.

    Raises:
        SettingsError: a line is neither a comment nor NAME=VALUE.
        OSError, UnicodeDecodeError: it cannot be read.
    """
    names = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        found = _SET.match(line)
        if found is None and line.strip() and not line.lstrip().startswith("#"):
            raise SettingsError(number)
        if found and found[2].strip(" '\""):
            names.append(found[1])
    return names


def would_be_committed(path: Path) -> bool:
    """Whether the file lies in a git repository that neither ignores nor excludes it."""
    git = shutil.which("git")
    if git is None:
        return False
    asked = [git, "-C", str(path.parent), "check-ignore", "--quiet", path.name]
    try:
        done = subprocess.run(asked, capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 1  # 0: it is ignored, 128: this is no repository


def is_open_to_others(path: Path) -> bool:
    """Whether others than its owner may read it."""
    return bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
