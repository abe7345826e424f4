"""Running one experiment by hand in a process that has imported all that it needs: see `muster.faults`."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import chaostoolkit.cli  # type: ignore[import-untyped]

for _name in (
    *("chaoslib.experiment", "chaosk8s.deployment.actions", "chaosk8s.pod.actions", "chaosk8s.statefulset.actions"),
    *("muster.faults.activities", "muster.faults.controls"),
):
    importlib.import_module(_name)


def strike(experiment: Path, directory: Path, environment: dict[str, str]) -> None:
    """What `chaos run` does. Its output goes to a file; this process ends with it."""
    os.chdir(directory)
    os.environ.update(environment)
    output = os.open(directory / "chaos.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.setsid()
    sys.argv = ["chaos", "--no-version-check", "--settings", str(directory / "settings.yaml"), "run"]
    sys.argv += ["--rollback-strategy", "always", "--journal-path", str(directory / "journal.json"), str(experiment)]
    chaostoolkit.cli.cli()
