"""What running programs say of those whom they ask: a name that does not resolve, a port that refuses, a password."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from muster.checks.check import Finding, Harm, Remedy
from muster.checks.pods.trouble import namespace_of, one_line
from muster.checks.pods.words import grouped
from muster.checks.seen import Seen, finished
from muster.checks.system.service import in_trouble
from muster.checks.traffic.policies import shutting
from muster.checks.traffic.services import addresses, undeclared
from muster.snapshot import Object, Ref

OFTEN = 3  # lines that say so, before it is more than a moment
SHARE = 0.3  # of the last lines of a log
TAIL = 20
LATELY_S = 60.0  # what a database said longer ago, by the time on the line, is not said now
LAST_WORDS = 3  # lines with which a program ends
_WAYS = (
    ("name", (
        r"name resolution|name or service not known|could not translate host name|no such host|ENOTFOUND|EAI_AGAIN",
        r"nodename nor servname|UnknownHostException|getaddrinfo failed|could not resolve host|NXDOMAIN|bad address",
        r"name does not resolve|server misbehaving|\[Errno -[235]\]|gaierror|failed to lookup address|unknown host",
    )),
    ("password", (
        r"password authentication failed|access denied for user|authentication failed|WRONGPASS|NOAUTH",
        r"invalid password|invalid username-password|login failed for user|bad auth|role \"[^\"]+\" does not exist",
    )),
    ("database", (r"database \"[^\"]+\" does not exist|unknown database",)),
    ("full", (
        r"too many clients|remaining connection slots|too many connections|pool (is )?exhausted|QueuePool limit",
    )),
    ("certificate", (
        r"certificate has expired|x509: certificate|CERTIFICATE_VERIFY_FAILED|certificate verify failed",
        r"certificate is not valid",
    )),
    ("disk", (r"no space left on device|ENOSPC|disk quota exceeded|disk full",)),
    ("read-only", (r"read-only file system|EROFS",)),
    ("permission", (r"permission denied|EACCES|operation not permitted",)),
    ("refused", (r"connection refused|ECONNREFUSED|actively refused|connect(ion)? failed: 111",)),
    ("unreachable", (r"no route to host|network is unreachable|EHOSTUNREACH|ENETUNREACH",)),
    ("timeout", (
        r"timed out|i/o timeout|ETIMEDOUT|timeout expired|connect(ion)? timeout|connecttimeout|deadline exceeded",
    )),
    ("reset", (r"connection reset|ECONNRESET|broken pipe|server closed the connection unexpectedly",)),
)  # fmt: skip
_PATTERNS = [(way, re.compile("|".join(parts), re.IGNORECASE)) for way, parts in _WAYS]
_HOST_PORT = re.compile(
    r"(?<![\w/.@-])(?:\w+://)?(?:[^\s/@:]+@)?((?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)(?:\.[a-z0-9-]+)*):(\d{2,5})\b",
    re.IGNORECASE,
)
_AT_HOST = re.compile(
    r"(?:server at|host(?:name)?(?: name)?|lookup|ENOTFOUND|EAI_AGAIN|UnknownHostException:?|resolve host:?|bad address"
    r"|connect(?:ing)? to|connection to|reach|address of|upstream|dial tcp:?)[ =:]+(?:server )?(?:at )?[\"']?"
    r"((?!address|at\b|the\b|on\b|to\b|name\b|server\b|tcp\b|upstream\b|database\b|host\b)[a-z][a-z0-9.-]*[a-z0-9])[\"']?"
    r"(?:[^\n]*?\bport[ =]+[\"']?(\d+))?",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\b(\d{1,3}(?:\.\d{1,3}){3}):(\d{2,5})\b")
_TIME = re.compile(r"^\[?(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:[.,]\d+)? ?(?:UTC|GMT|Z)\b")
_PATH = re.compile(r"[\"'\s:]((?:/[\w.@-]+)+)[\"'\s:]?")
DATABASES = {
    5432: "PostgreSQL",
    3306: "MySQL",
    27017: "MongoDB",
    1433: "SQL Server",
    5433: "PostgreSQL",
    26257: "CockroachDB",
    6432: "PgBouncer",
}
_DATABASE = re.compile(r"database|postgres|psql|mysql|mariadb|mongo|psycopg|asyncpg|sqlalchemy|jdbc", re.IGNORECASE)
NOISE = {"localhost", "http", "https", "tcp", "main", "error", "line"}


class Said(NamedTuple):
    """What a program says of whom it asks: in which `way` that fails, and whom, as far as the line tells."""

    way: str
    host: str
    port: int
    line: str

    @property
    def where(self) -> str:
        return f"{self.host}:{self.port}" if self.port else self.host


def reach(seen: Seen) -> Iterator[Finding]:
    """Workloads whose programs say again and again that they cannot reach or use what they ask for."""
    for workload, members in sorted(seen.workloads_with_pods):
        live = [pod for pod in members if not finished(pod) and "deletionTimestamp" not in pod["metadata"]]
        said = _said(seen, live)
        if said is not None:
            yield from _findings(seen, workload, len(live), *said)


def heard(line: str) -> Said | None:
    """What a line says of a failing way to somebody; None where it says nothing of that kind."""
    for way, pattern in _PATTERNS:
        if pattern.search(line):
            host, port = _whom(line)
            return Said(way, host, port, line)
    return None


def _said(seen: Seen, pods: Sequence[Object]) -> tuple[Said, int, list[Object]] | None:
    """What most of the last lines of a workload's logs agree on: what, how often, in which pods."""
    counts, latest, where = (
        Counter[tuple[str, str, int]](),
        dict[tuple[str, str, int], Said](),
        dict[tuple[str, str, int], list[Object]](),
    )
    for pod in pods:
        for status in (pod.get("status") or {}).get("containerStatuses") or []:
            heard_here = _heard_of(seen, pod, status)
            for one in heard_here:
                key = (one.way, one.host, one.port)
                counts[key] += 1
                latest[key] = one
                if pod not in where.setdefault(key, []):
                    where[key].append(pod)
    if not counts:
        return None
    key, count = max(counts.items(), key=lambda item: (item[1], item[0]))
    return latest[key], count, where[key]


def _heard_of(seen: Seen, pod: Object, status: Object) -> list[Said]:
    """What a container says of whom it asks: again and again while it runs, or with its last words."""
    lines = seen.log(pod, status["name"])[-TAIL:]
    found = [one for line in lines if (one := heard(line))]
    if len(found) >= OFTEN and len(found) >= SHARE * len(lines):
        return found
    if ((status.get("state") or {}).get("waiting") or {}).get("reason") != "CrashLoopBackOff":
        return []
    last = seen.log(pod, status["name"], previous=True) or lines
    return [one for line in last[-LAST_WORDS:] if (one := heard(line))]


def _findings(  # noqa: PLR0917 - what was heard is one thing of three
    seen: Seen, workload: Ref, live: int, said: Said, count: int, pods: list[Object]
) -> Iterator[Finding]:
    space = namespace_of(pods[0])
    evidence = [f"log: {one_line(said.line, 200)} ({count} times in the last lines)"] if count >= OFTEN else []
    evidence.append(f"{len(pods)} of its {live} pods say so")
    harm = Harm.PART
    if said.way in ("disk", "read-only", "permission"):
        yield Finding(workload, _about_files(said), harm, evidence=tuple(evidence))
        return
    if said.way == "password" and workload.name in (seen.system.get("database") or {}).get("instances", ()):
        yield from _refuses(seen, workload, said, evidence)
        return
    if not said.host:
        reason = grouped([said.line])[0][2]
        yield Finding(workload, f"says again and again: {reason}", harm, evidence=tuple(evidence), open_cause=True)
        return
    what = "the database " if said.port in DATABASES or _DATABASE.search(said.line) else ""
    service = _service(seen, space, said.host)
    where = f"{what}{said.where}"
    if said.way in ("password", "full", "certificate", "database"):
        yield Finding(
            workload,
            f"{_BUT[said.way]} {where}".replace("  ", " "),
            harm,
            evidence=tuple(evidence),
            relies_on=(service,) if service else (),
        )
        return
    why, relies, others = _why(seen, workload, pods, service, said)
    yield from others
    tail = f" ({why})" if why else ""
    yield Finding(workload, f"cannot reach {where}{tail}", harm, evidence=tuple(evidence), relies_on=relies)


def _refuses(seen: Seen, instance: Ref, said: Said, evidence: Sequence[str]) -> Iterator[Finding]:
    """The system's own database refuses the password of its clients. That a database refuses somebody is no trouble in
    itself: it is one while clients of the service are in trouble, too."""
    at = _TIME.search(said.line)
    lately = at is None or seen.age(f"{at[1]}T{at[2]}Z") <= LATELY_S
    if instance.namespace == seen.system.get("namespace") and lately and in_trouble(seen):
        database = Ref("Database", instance.namespace, str(seen.system["database"]["service"]))
        what = f"{instance.name} refuses the password of its clients: {grouped([said.line])[0][2]}"
        remedy = Remedy("repair-database-connection")
        yield Finding(database, what, Harm.WHOLE, evidence=tuple(evidence), remedy=remedy)


_BUT = {
    "password": "is refused its password by",
    "full": "gets no connection, all are taken at",
    "certificate": "does not trust the certificate of",
    "database": "does not find its database at",
}


def _about_files(said: Said) -> str:
    path = _PATH.search(said.line)
    at = f" {path[1]}" if path else ""
    match said.way:
        case "disk":
            return f"has no space left on its disk{at}"
        case "read-only":
            return f"cannot write{at}: the file system is read-only"
    return f"may not use{at or ' a file'}: permission denied"


def _whom(line: str) -> tuple[str, int]:
    for found in _HOST_PORT.finditer(line):
        host, port = found[1].lower(), int(found[2])
        if host not in NOISE and not host.isdigit() and not re.fullmatch(r"[\d.]+", host) and port < 65536:
            return host, port
    if found_at := _AT_HOST.search(line):
        host = found_at[1].lower().rstrip(".")
        if host not in NOISE:
            return host, int(found_at[2] or 0)
    if found_address := _ADDRESS.search(line):
        return found_address[1], int(found_address[2])
    return "", 0


def _service(seen: Seen, space: str, host: str) -> Ref | None:
    """The Service that a name, or an address of the cluster, means to a pod of a namespace; none for a foreign one."""
    if re.fullmatch(r"[\d.]+", host):
        for service in seen.of("Service"):
            if host in (
                (service.get("spec") or {}).get("clusterIPs") or [(service.get("spec") or {}).get("clusterIP")]
            ):
                return Ref("Service", service["metadata"].get("namespace", ""), service["metadata"]["name"])
        return None
    name, *rest = host.split(".")
    if not rest:
        return Ref("Service", space, name)
    if len(rest) == 1 or rest[1] == "svc":
        if len(rest) == 1 and rest[0] not in seen.namespaces:
            return None
        return Ref("Service", rest[0], name)
    return None


def _why(
    seen: Seen, workload: Ref, pods: list[Object], service: Ref | None, said: Said
) -> tuple[str, tuple[Ref, ...], list[Finding]]:
    """What keeps a program from whom it asks: a phrase, whose trouble it would be, and what is found on the way."""
    if service is None:
        return (
            {
                "name": "its name does not resolve",
                "refused": "refused",
                "timeout": "no answer",
                "unreachable": "no way there",
                "reset": "cut off",
            }[said.way],
            (),
            [],
        )
    found = seen.find(service)
    if found is None:
        if seen.knows("Service") and (service.namespace in seen.namespaces or not seen.snapshot.namespace):
            other = [
                one["metadata"]["namespace"] for one in seen.of("Service") if one["metadata"]["name"] == service.name
            ]
            elsewhere = f", but in namespace {other[0]}" if other else ""
            return f"Service {service.name} does not exist{elsewhere}", (), []
        return "", (), []
    ports = (found.get("spec") or {}).get("ports") or []
    if said.port and ports and not any(one.get("port") == said.port for one in ports):
        has = ", ".join(str(one.get("port")) for one in ports)
        return f"Service {service.name} has no port {said.port}, it has {has}", (), []
    if said.way == "name":
        return "its name does not resolve, though the Service exists", (service,), []
    if not ((found.get("spec") or {}).get("selector")) and (there := addresses(seen, service)):
        dead = Finding(
            service, f"leads to {there[0]}, where nobody answers", Harm.WHOLE, evidence=(one_line(said.line, 200),)
        )
        return f"Service {service.name} leads to {there[0]}", (service,), [dead]
    if said.way in ("timeout", "unreachable") and (policy := shutting(seen, pods[0], found, said.port)):
        cut = Finding(
            policy, f"keeps {workload} from Service {service.name}", Harm.PART, evidence=(one_line(said.line, 200),)
        )
        return f"NetworkPolicy {policy.name} does not let it", (policy,), [cut]
    if said.way == "refused" and (target := undeclared(seen, found, said.port)):
        wrong = Finding(
            service, f"target port {target} is no port of the pods", Harm.WHOLE, evidence=(one_line(said.line, 200),)
        )
        return f"target port {target} of Service {service.name} is no port of its pods", (service,), [wrong]
    if said.way == "refused" and addresses(seen, service):
        return "refused, though the Service has endpoints", (service,), []
    return (
        {"refused": "refused", "timeout": "no answer", "unreachable": "no way there", "reset": "cut off"}[said.way],
        (service,),
        [],
    )
