"""Prometheus' own programs, which judge what is written for them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from muster.alerting.programs import find_program
from muster.base.errors import MissingProgramError


def program(name: str) -> str:
    """Its path. Where it is not installed the test is skipped, unless MUSTER_MONITORING=required says it must be."""
    try:
        return find_program(name)
    except MissingProgramError as error:
        if os.environ.get("MUSTER_MONITORING") == "required":
            pytest.fail(str(error))
        pytest.skip(str(error))


def run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)
