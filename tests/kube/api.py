"""An API server that answers little and remembers who asked."""

from __future__ import annotations

import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from muster.base.clock import utc

Asked = tuple[str, list[tuple[str, str]]]
NOT_FOUND = {"kind": "Status", "message": "not found", "code": 404}


class Api:
    """The server's address and (path, headers) of each request."""

    def __init__(self, url: str, asked: list[Asked]) -> None:
        self.url, self.asked = url, asked

    def last(self) -> dict[str, list[str]]:
        """The headers of the last request, by name in small letters."""
        found: dict[str, list[str]] = {}
        for name, value in self.asked[-1][1]:
            found.setdefault(name.lower(), []).append(value)
        return found


class Handler(BaseHTTPRequestHandler):
    """Answers one request; `asked` and `leases` are its server's."""

    protocol_version = "HTTP/1.1"
    asked: list[Asked]
    leases: dict[str, dict[str, Any]]

    def do_GET(self) -> None:
        self.asked.append((self.path, list(self.headers.items())))
        answer: dict[str, Any] = {"gitVersion": "v1.36.0", "kind": "List", "metadata": {}, "items": []}
        if self.path == "/api/v1/namespaces/shop":
            answer = {"kind": "Namespace", "metadata": {"name": "shop", "labels": {"muster.dev/drills": "allowed"}}}
        if "/exec" in self.path:
            answer = {"kind": "Status", "message": "no exec for you", "code": 403}
        if re.search("/(configmaps|leases)/", self.path):
            answer = self.leases.get(self.path, NOT_FOUND)
        self.answer(answer)

    def do_POST(self) -> None:
        self.keep(self.path.split("/")[-1], lambda lease: f"{self.path}/{lease['metadata']['name']}")

    def do_PUT(self) -> None:
        self.keep(self.path.split("/")[-2], lambda _: self.path)

    def do_DELETE(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(self.leases.pop(self.path, NOT_FOUND))

    def keep(self, plural: str, place: Callable[[dict[str, Any]], str]) -> None:
        self.asked.append((self.path, list(self.headers.items())))
        sent = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        if plural == "leases":
            sent["metadata"]["resourceVersion"] = str(len(self.asked))
            self.leases[place(sent)] = sent
        self.answer(sent if plural == "leases" else {"kind": "Status", "message": "no writing for you", "code": 403})

    def answer(self, answer: dict[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(answer.get("code", 200))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving(pair: Path | None = None, *, trusts: Path | None = None) -> Iterator[Api]:
    """An API server on loopback; over TLS with a certificate and key in one file, asking for clients' where it trusts.

    It has an empty namespace `shop`, opted in to drills, remembers Leases, and refuses every exec.
    """
    asked: list[Asked] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"asked": asked, "leases": {}}))
    server.daemon_threads = True
    scheme = "http"
    if pair is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair)
        if trusts is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(trusts)
        server.socket, scheme = context.wrap_socket(server.socket, server_side=True), "https"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Api(f"{scheme}://127.0.0.1:{server.server_port}", asked)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def certificate(path: Path, name: str, *, address: str | None = None) -> Path:
    """Write a self-signed certificate for a name (and an address), with its key, into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, name)])
    names: list[x509.GeneralName] = [x509.DNSName(name)]
    names += [x509.IPAddress(ip_address(address))] if address else []
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(utc() - timedelta(hours=1))
        .not_valid_after(utc() + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(made.public_bytes(pem) + secret)
    return path
