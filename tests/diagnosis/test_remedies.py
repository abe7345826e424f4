"""Which procedures a check says may mend what it finds are those that the diagnosis names, and no others."""

from __future__ import annotations

import re
from pathlib import Path

from muster.checks.registry import OWN
from muster.recovery import procedures

SOURCE = Path(__file__).resolve().parents[2] / "src/muster"
NAMED = re.compile(r'Remedy\(\s*"([a-z-]+)"')


def test_what_is_declared_is_what_is_named() -> None:
    named = {
        name
        for folder in ("checks", "diagnosis")
        for path in (SOURCE / folder).rglob("*.py")
        for name in NAMED.findall(path.read_text())
    }
    declared = {name for check in OWN for name in check.remedies}
    assert declared == named
    assert declared <= {procedure.name for procedure in procedures()}
