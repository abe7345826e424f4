"""Where clients reach the service, whether it answers as it must, and whether a write comes back."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from muster.base.clock import utc
from muster.base.errors import UsageError
from muster.preflight.finding import Result, failed, fine, unknown
from muster.preflight.subject import Subject
from muster.probes.answers.instances import ask_once
from muster.probes.answers.reading import judged_expect, read_once
from muster.probes.http.exchange import Answer
from muster.probes.http.outcomes import Outcome
from muster.probes.ledger.one_write import round_trip
from muster.system import SystemState
from muster.system.trust import authority, believing

CONNECT_WITHIN_S = 3.0
ROUNDS = 5
SOON_DAYS = 7
AUTHORITY_MEND = "name at service.ca of system.yaml a file that holds the authority's certificate (PEM)"
URL_MEND = "say at service.url of system.yaml where clients reach it, from here as well"


def address(subject: Subject) -> Result:
    """Whether the address resolves and takes connections; of a certificate, whether it is believed, and for how long.

    Asked where it is, not through the service: a name that is not known is another trouble than a pod that is down.
    """
    try:
        authority(subject.system)
    except UsageError as error:
        return failed(str(error), AUTHORITY_MEND)
    try:
        url = subject.url
    except UsageError as error:
        return failed(str(error), URL_MEND)
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        connection = socket.create_connection((host, port), timeout=CONNECT_WITHIN_S)
    except socket.gaierror as error:
        return failed(f"{host} is no name that is known here: {error.strerror}", URL_MEND)
    except OSError as error:
        why = f"{host}:{port} takes no connection: {error.strerror or error}"
        return failed(why, f"start the service, or {URL_MEND}", blocks=False)  # it may come back in time
    with connection:
        where = f"{url} takes connections at {connection.getpeername()[0]}"
        return fine(where) if parts.scheme != "https" else _certified(where, host, connection)


def _certified(where: str, host: str, connection: socket.socket) -> Result:
    """Whether the certificate at the other end of a connection is believed, and for how long."""
    try:
        with believing(ssl.create_default_context()).wrap_socket(connection, server_hostname=host) as secured:
            certificate = secured.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        return failed(
            f"the certificate of {host} is not believed: {error.verify_message}",
            "have it renewed, or have its authority trusted: service.ca of system.yaml, or SSL_CERT_FILE, names a file "
            "with certificates (PEM)",
        )
    except OSError as error:
        return failed(f"{host} does not speak TLS: {error}", URL_MEND)
    until = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    days = (until - utc().timestamp()) / 86_400
    seen = f"{where}; its certificate is valid for {days:.0f} days more"
    return fine(seen) if days > SOON_DAYS else failed(seen, "renew it before it ends a drill", blocks=False)


def probes(subject: Subject) -> Result:
    """Whether each probe that the drills require is answered rightly, and how fast, a few times each."""
    said, slow, wrong = list[str](), list[str](), list[str]()
    for name, limit_s, answers in _asked(subject):
        slowest = max(one.done - one.sent for one in answers)
        bad = [one for one in answers if one.outcome is not Outcome.OK]
        if bad:
            wrong.append(f"{name} {len(bad)} of {len(answers)} times not ({bad[-1].outcome}: {bad[-1].why})")
        elif slowest > limit_s:
            wrong.append(f"{name} came after {slowest:.2f} s, its limit is {limit_s:g} s")
        elif slowest > limit_s / 2:
            slow.append(name)
        said.append(f"{name} within {slowest:.3f} of {limit_s:g} s")
    if wrong:
        return failed(
            f"not answered rightly: {'; '.join(wrong)}",
            "mend the service, or what system.yaml says a right answer is ('read', 'probes')",
            blocks=False,
        )
    mend = f"{', '.join(slow)} came close: a longer limit_s, if clients bear that" if slow else ""
    return fine(f"answered rightly, the slowest of {ROUNDS}: {', '.join(said)}", mend)


def _asked(subject: Subject) -> Iterator[tuple[str, float, list[Answer]]]:
    system, url = subject.system, subject.url
    yield "read", system.read.limit_s, [read_once(url, system.read) for _ in range(ROUNDS)]
    wanted = {probe.name for one in subject.drills for probe in one.declared.probes}
    for probe in system.probes:
        if probe.name in wanted:
            asked = (ask_once(url, probe.request, limit_s=probe.limit_s) for _ in range(ROUNDS))
            yield probe.name, probe.limit_s, [judged_expect(probe, answer) for answer in asked]


def ledger(subject: Subject) -> Result:
    """Whether a write is acknowledged, found again and removed. Nothing is written that could not be removed."""
    system = subject.system
    if system.ledger is None:
        return fine("the system is only read: no write is made, and no RPO judged")
    trip = round_trip(subject.url, system, anyway=subject.there.embedded)
    if trip is None:
        return unknown(
            "nothing was written, as system.yaml says no way to remove it again",
            "say one at ledger.delete, and what drills write is removed as well",
        )
    if trip.answer.outcome is not Outcome.OK:
        return failed(
            f"a write did not come back: {trip.answer.outcome}: {trip.answer.why}"
            + (f"; it may be there still: {trip.left}" if trip.left else ""),
            "mend the service, or what system.yaml says of the ledger",
            blocks=False,
        )
    if trip.left:
        return failed(f"{trip.left} was written and could not be removed", "remove it by hand", blocks=False)
    after = "and is removed" if trip.removed else "and stays until the embedded cluster goes"
    return fine(f"a write was acknowledged and found again, {after}")


def databases(subject: Subject) -> Result:
    """Whether the system's databases can be asked, and replicate as they should."""
    if subject.system.database is None:
        return fine("system.yaml names no database")
    state = SystemState(subject.there, subject.system)
    if trouble := state.replication_trouble():
        return failed(trouble, "mend the replication: no drill is steady without", blocks=False)
    return fine("one primary, and every standby keeps up")
