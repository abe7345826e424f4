"""Running one experiment by hand, in a process forked off one that has imported all that it needs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

PRELOADED = (
    *("chaostoolkit.cli", "chaoslib.experiment", "chaosk8s.pod.actions", "chaosk8s.deployment.actions"),
    *("chaosk8s.statefulset.actions", "muster.faults.activities", "muster.faults.controls"),
)


def strike(experiment: Path, directory: Path, environment: dict[str, str]) -> None:
    """What `chaos run` does. Its output goes to a file; this process ends with it."""
    import chaostoolkit.cli  # type: ignore[import-untyped]  # noqa: PLC0415 - of this process alone

    os.chdir(directory)
    os.environ.update(environment)
    output = os.open(directory / "chaos.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.setsid()
    sys.argv = ["chaos", "--no-version-check", "--settings", str(directory / "settings.yaml"), "run"]
    sys.argv += ["--rollback-strategy", "always", "--journal-path", str(directory / "journal.json"), str(experiment)]
    chaostoolkit.cli.cli()
