"""What is looked at, one thing each: what was seen, and how what is wrong is mended."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from muster import __version__
from muster.alerting import files
from muster.alerting.series import Watched
from muster.backup.keys import KEY_VARIABLE, Identities, Recipients
from muster.backup.store import store_of
from muster.base.errors import MusterError
from muster.base.files import write_atomically
from muster.kube import Cluster
from muster.monitoring.sources import firing, open_asking
from muster.notices import Outbox
from muster.preflight.finding import Result, failed, fine, unknown
from muster.recovery import procedures
from muster.recovery.needs import needs_of
from muster.safety import AuditLog
from muster.safety.rights import missing_rights
from muster.setup.configuration import (
    FILE,
    LOAD,
    SettingsError,
    is_open_to_others,
    names_set,
    text,
    would_be_committed,
)
from muster.setup.subject import Subject
from muster.steps import Context
from muster.store.errors import NoHistoryError

WOKEN = ("P1", "P2")

BESIDE = {
    "kubectl": "by hand",
    "age": "opens backups without muster",
    "promtool": "checks rules",
    "amtool": "checks routes",
}
DRIVER = "pip install 'pytest-muster[postgresql]'"
NO_SYSTEM = "there is no system.yaml that could say so"


def programs(subject: Subject) -> Result:
    """Python, muster, and the programs that some of it can make use of."""
    if subject.store.startswith("postgresql") and importlib.util.find_spec("psycopg") is None:
        return failed("the store is a PostgreSQL, and its driver is not installed", f"install it: {DRIVER}")
    there = [name for name in BESIDE if shutil.which(name)]
    absent = [f"{name} ({why})" for name, why in BESIDE.items() if name not in there]
    more = f"; not here, and not needed: {', '.join(absent)}" if absent else ""
    found = f"muster {__version__}, Python {platform.python_version()}, locust {importlib.metadata.version('locust')}"
    return fine(f"{found}{''.join(f', {name}' for name in there)}{more}")


def system(subject: Subject) -> Result:
    """A system.yaml that can be read."""
    if subject.system is None:
        if subject.wrong:
            return failed(subject.wrong, "put it right (docs/system-yaml.md)")
        mend = "have one written: muster init NAMESPACE --kube-context NAME"
        return failed("the project has no systems/*/system.yaml", mend)
    return fine(f"{subject.system.name} in namespace {subject.system.namespace}")


def configuration(subject: Subject) -> Result:
    """The file of settings: there, for its owner alone, and loaded."""
    path = subject.root / FILE
    if not path.exists():
        if not subject.acting:
            return unknown(f"{FILE} is not there", "it is written by: muster setup")
        write_atomically(path, text(), mode=0o600)
        return fine(f"{FILE} is written, with every setting as a comment", f"fill it in, and load it: {LOAD}")
    return next(_troubles(path, subject), None) or fine(f"{FILE}: {', '.join(names_set(path)) or 'nothing is set yet'}")


def _troubles(path: Path, subject: Subject) -> Iterator[Result]:
    """What is wrong with the file of settings."""
    try:
        named = names_set(path)
    except SettingsError as error:
        yield failed(f"{FILE}, line {error.line}, is neither a comment nor NAME=VALUE", "put it right by hand")
        return
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        yield failed(f"{FILE} cannot be read: {why}", "put it right by hand")
        return
    if is_open_to_others(path):
        yield failed(f"others may read {FILE}, which holds secrets", f"keep them out: chmod 600 {FILE}")
    if would_be_committed(path):
        yield failed(f"git would take up {FILE}, which holds secrets", f"ignore it: echo {FILE} >> .gitignore")
    if absent := [name for name in named if name not in subject.environment]:
        stand = "stands" if len(absent) == 1 else "stand"
        mend = f"quote what holds & or spaces, and load it: {LOAD}"
        yield failed(f"{', '.join(absent)} {stand} in {FILE} and not in the environment", mend)


def store(subject: Subject) -> Result:
    """Where drills, incidents and notices are kept: can be opened, and written."""
    try:
        with Outbox.open(subject.store, subject.root, create=subject.acting) as opened:
            opened.deliveries(states=["waiting"])
    except NoHistoryError as error:
        return unknown(str(error), "it is made by: muster setup")
    except MusterError as error:
        return failed(str(error), "have it answer, or name another in MUSTER_HISTORY")
    if "://" in subject.store:
        return fine("the database answers, and its tables are those of this muster")
    return fine(
        f"{os.path.relpath(subject.root / subject.store, subject.root)} is there",
        "several on call? name a PostgreSQL for all in MUSTER_HISTORY",
    )


def cluster(subject: Subject) -> Result:
    """The API server answers."""
    there = subject.reached
    if not isinstance(there, Cluster):
        return unknown(there, "name one: --kube-context NAME, or start one: muster up")
    try:
        return fine(f"{there.version()} at {there.server}, context '{there.context}'")
    except MusterError as error:
        return failed(str(error), "see that the API server can be reached, and the context is right")


def rights(subject: Subject) -> Result:
    """What the recovery procedures would have to do is allowed to whoever asks."""
    there, definition = subject.reached, subject.system
    if not isinstance(there, Cluster) or definition is None:
        return unknown("no cluster or no system to ask about")
    audit = AuditLog(subject.root / "reports" / "audit.jsonl")
    context = Context(there, definition, definition.namespace, None, audit)
    lacking = dict[str, str]()
    for procedure in procedures(definition):
        try:
            missing = missing_rights(there, definition.namespace, needs_of(procedure, context))
        except MusterError as error:
            return failed(str(error), "see that the API server can be reached")
        if missing:
            lacking[procedure.name] = ", ".join(map(str, missing))
    if not lacking:
        return fine(f"every recovery procedure may do its work in namespace '{definition.namespace}'")
    first, what = next(iter(lacking.items()))
    others = f"; {len(lacking) - 1} other procedures lack some, too" if len(lacking) > 1 else ""
    return failed(f"{first} may not {what}{others}", "grant the Roles of ci/rbac/procedures.yaml")


def monitoring(subject: Subject) -> Result:
    """The monitoring that system.yaml names answers, and the files that it is made of are those of today."""
    definition = subject.system
    if definition is None:
        return unknown(NO_SYSTEM)
    if definition.monitoring is None:
        return unknown("system.yaml names no monitoring, so no drill measures when it notices", "see docs/detection.md")
    try:
        with open_asking(definition.monitoring) as asking:
            fired = firing(definition.monitoring, asking, {})
    except MusterError as error:
        return failed(str(error), "see that its address is right and reached from here")
    folder = subject.root / "monitoring"
    if folder.is_dir():
        stale = [file.path.name for file in files.files(Watched(definition), folder) if file.state != "same"]
        if stale:
            return failed(f"monitoring/ is not of today's system.yaml: {', '.join(stale)}", "muster monitoring write")
    return fine(f"it answers, and {len(fired)} alerts fire now")


def channels(subject: Subject) -> Result:
    """Somebody is told of P1 and P2, by an address that can be one."""
    post = subject.post
    for name, channel in post.channels.items():
        try:
            channel.check()
        except MusterError as error:
            return failed(
                f"{name}: {error}", "put its address right in the environment; see all: muster notify channels"
            )
    routes = [(name, route.severities) for name, route in post.routes.items() if name in post.channels]
    told = {severity: [name for name, severities in routes if severity in severities] for severity in WOKEN}
    if nobody := [severity for severity, names in told.items() if not names]:
        return failed(
            f"nobody would be told of {' and '.join(nobody)}",
            f"give a channel an address in {FILE}: MUSTER_NOTICES_ONCALL=...",
        )
    return fine("; ".join(f"{severity}: {', '.join(names)}" for severity, names in told.items()))


def backups(subject: Subject) -> Result:
    """Where a database is to be backed up: somebody can open the backups, and they have a place."""
    definition = subject.system
    if definition is None:
        return unknown(NO_SYSTEM)
    if definition.database is None:
        return fine("the system has no database to back up")
    try:
        known = Recipients.named(definition.backup.recipients)
        place = store_of(definition)
    except MusterError as error:
        return failed(str(error), "see docs/backup.md")
    openers = f"{len(known.names)} key{'s' if len(known.names) > 1 else ''}"
    seen = f"{openers} can open backups in {os.path.relpath(place.directory, subject.root)}"
    key = subject.environment.get(KEY_VARIABLE)
    if not key:
        return fine(seen, f"have it tried from here: name the key's file in {KEY_VARIABLE}")
    try:
        Identities(Path(key))
    except MusterError as error:
        return failed(str(error), f"name the key's file in {KEY_VARIABLE}")
    return fine(f"{seen}, and a key is here")


def environment(given: Mapping[str, str]) -> list[str]:
    """The settings of muster that an environment holds, by name: their values are nobody's business."""
    return sorted(name for name in given if name.startswith("MUSTER_"))
