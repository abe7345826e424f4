"""A project of its own in a temporary directory, and pytest run inside it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import warm

ROOT = Path(__file__).resolve().parents[1]
# Sessions in other projects keep nothing, and do without what Hypothesis imports: a fifth of what a short one costs.
QUIETLY = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")


@dataclass(frozen=True)
class Session:
    """A pytest session that ran to its end."""

    code: int
    output: str


@dataclass
class DrillProject:
    """A copy of this project's drills, experiments, load and system, to be changed and run."""

    root: Path

    @classmethod
    def copy(cls, root: Path) -> DrillProject:
        """A project in a directory, which is made where there is none."""
        for name in ("drills", "experiments", "loadtests", "systems"):
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        (root / "pytest.ini").write_text("[pytest]\n")
        return cls(root)

    def write(self, name: str, content: str) -> Path:
        """Write a file of the project."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    def command(self, *arguments: str) -> list[str]:
        """The command line of a pytest session; Allure's results stay inside the project."""
        return [sys.executable, "-m", "pytest", *QUIETLY, *arguments]

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a session: nobody's kubeconfig, no outer run."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("MUSTER_", "PYTEST_", "KUBECONFIG"))}
        return {**kept, "HOME": str(self.root), **more}

    def pytest(self, *arguments: str, timeout: float = 240.0, **environment: str) -> Session:
        """Run a session to its end, forked off a warm process where nothing speaks against it."""
        env, given = self.environment(**environment), [*QUIETLY, *arguments]
        if warm.suits(env):
            output = self.root / ".output"
            code = warm.sessions().run(given, cwd=self.root, env=env, output=output, timeout=timeout)
            return Session(code, output.read_text(errors="replace"))
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.root,
            env=env,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Session(done.returncode, done.stdout + done.stderr)

    def summary(self) -> dict[str, Any]:
        """The summary of the last run."""
        content: dict[str, Any] = json.loads((self.root / "reports/latest/summary.json").read_text())
        return content
