"""Generated HTTP requests: mostly what a client of Kubernetes could send, with something in each that is not right.

The same seed gives the same requests. Objects are made out of the types that the cluster serves, so that most of them
get past the first look and into defaults, checks and patches.
"""

from __future__ import annotations

import gzip
import json
import random
import zlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from orjson import JSONEncodeError

from muster.embedded.api.forms.bodies import PROTOBUF
from muster.embedded.resources import RESOURCES, Resource
from muster.embedded.schema import protobuf, types
from muster.embedded.schema.decode import Decoder
from muster.embedded.status import StatusError

NAMES = ("a", "b", "kube-root-ca.crt", "default", "A_b", "", "x" * 300, "ü", "%", "..", "a\nb")
TEXTS = ("", "a", "0", "-1", "1e9", "null", "true", "a/b", "ü\u0000", "\ud800", "x" * 300, "80%", "%%", "{", "²", "1Gi",
         "2026-01-01T00:00:00Z", "0001-01-01T00:00:00+05:00", "2026-13-01T00:00:00Z", "YQ==", "YQ", "RollingUpdate",
         "Recreate", "In", "Exists", "Never", "Always", "ExternalName", "None", "127.64.8.1", "TCP")  # fmt: skip
NUMBERS = (0, 1, 2, 80, -1, 65536, 2**31 - 1, 2**31, -(2**31), 2**63 - 1, 2**63, 2**70, 1.5, 1e300, -0.0)
METHODS = ("GET", "GET", "POST", "POST", "PUT", "PATCH", "PATCH", "PATCH", "DELETE")
PATHS = (
    "/", "/api", "/apis", "/apis/apps", "/apis/apps/v1", "/version", "/openapi/v2", "/openapi/v3", "/openapi/v3/api/v1",
    "/healthz", "//", "/api/v1//pods", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "*",
    "/apis/authorization.k8s.io/v1/subjectaccessreviews", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
    "/apis/authorization.k8s.io/v1/namespaces/default/localsubjectaccessreviews",
    "/apis/authentication.k8s.io/v1/tokenreviews", "/apis/authentication.k8s.io/v1/selfsubjectreviews",
    "/apis/metrics.k8s.io/v1beta1/nodes", "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods",
)  # fmt: skip
POINTERS = (
    "", "/", "/metadata", "/metadata/labels", "/metadata/labels/a", "/spec", "/spec/template/spec/containers/0", "a",
    "/spec/containers/-", "/spec/ports/²", "/spec/ports/00", "/spec/a~2", "/kind", "/metadata/name", "/spec/replicas",
    1, None, "/metadata/managedFields", "/data/a", "/status/conditions/99999999999999999999",
)  # fmt: skip
SCALARS: dict[str, tuple[Any, ...]] = {
    "bool": (True, False), "float": (1.5,), "bytes": ("YQ==", ""), "duration": ("1s",),
    "quantity": ("1", "1Gi", "100m", "1e9", 1, 0.5), "intstr": (80, "http", "25%", "-"),
    "time": ("2026-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
    "microtime": ("2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:00+14:00"),
}  # fmt: skip
DIRECTIVES = ("$patch", "$retainKeys", "$deleteFromPrimitiveList/finalizers", "$setElementOrder/ports")
ODD_BYTES = (b"%00", b"%ff", b"\xff", b"%zz", b"\xc3\xbc", b"?", b"#", b"%2f")
JUNK: tuple[Any, ...] = (None, True, [], {}, [[]], [None], {"": None}, {"a": {"b": [1]}}, *TEXTS, *NUMBERS)
QUERIES = (
    "watch", "limit", "continue", "labelSelector", "fieldSelector", "resourceVersion", "resourceVersionMatch",
    "sendInitialEvents", "allowWatchBookmarks", "timeoutSeconds", "dryRun", "fieldManager", "fieldValidation", "force",
    "gracePeriodSeconds", "propagationPolicy", "orphanDependents", "includeObject", "pretty", "container", "follow",
    "previous", "tailLines", "sinceSeconds", "sinceTime", "limitBytes", "timestamps", "command", "stdin", "tty",
    "ports",
)  # fmt: skip
VALUES = (
    "", "0", "1", "-1", "true", "All", "Strict", "Foreground", "Orphan", "None", "Object", "NotOlderThan", "²", "٣",
    "9" * 30, "1_0", "1.5", "app=a", "app in (a,b", "a notin ()", "!a", "!", "=", "a!=b,", ",", "metadata.name=a",
    "status.phase!=x", "spec..a=b", "2026-01-01T00:00:00Z", "2026-01-01", "WzEsImEiLCJiIl0", "NQ", "bnVsbA", "W10",
    "e30", "WyJhIiwxLDJd", "_" * 50, "%FF", "\x00",
)  # fmt: skip
ACCEPTS = (
    "application/json", "*/*", "", "application/yaml", "application/vnd.kubernetes.protobuf",
    "application/vnd.kubernetes.protobuf,application/json", "application/vnd.kubernetes.protobuf;stream=watch",
    "application/json;as=Table;v=v1;g=meta.k8s.io", "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
    "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
    "application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io", "text/html", ";;=,;", "application/json;as=",
    "a" * 1000, "application/json;q=x", "\xff\xfe",
)  # fmt: skip
CONTENT_TYPES = (
    "application/json", "application/json; charset=utf-16", "application/json; charset=nonsense", "", "text/plain",
    "application/yaml", "application/vnd.kubernetes.protobuf", "application/json-patch+json", "application/cbor",
    "application/merge-patch+json", "application/strategic-merge-patch+json", "application/apply-patch+yaml",
    "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "a/b/c;;", "\xff",
    "application/octet-stream",
)  # fmt: skip
PATCHES = {
    "application/json-patch+json": "operations", "application/merge-patch+json": "object",
    "application/strategic-merge-patch+json": "strategic", "application/apply-patch+yaml": "object",
}  # fmt: skip
YAML = (
    b"a: &a [*a]", b"a: &a {b: *a}", b"1: 2", b"? [a]\n: b", b"metadata: {name: 2026-01-01}", b"a: !!set {b}",
    b"a: .nan", b"a: !!python/object:os.system {}", b"kind: .inf\nmetadata: {generation: .inf}", b"a: !!binary gA==",
    b"- a", b"\x00", b'metadata: {name: "\\ud800", labels: {1: 2, true: no}}', b"a: b: c", b"---\na: b\n---\nc: d",
    b"<<: {a: b}", b"<<: 1", b"[" * 3000, b"a: " * 2000,
    b"a: &a [x,x]\n" + b"\n".join(b"%c: &%c [%s]" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in b"bcdefgh"),
)  # fmt: skip


@dataclass(frozen=True)
class Generated:
    """One request: the bytes to send."""

    data: bytes
    method: str

    @property
    def first_line(self) -> str:
        return self.data.partition(b"\r\n")[0].decode(errors="replace")


class RequestFuzzer:
    """Makes requests for a server that knows `token`."""

    def __init__(self, seed: int, token: str) -> None:
        self._random = random.Random(seed)
        self._token = token

    def request(self) -> Generated:
        """The next request."""
        resource = self._pick(RESOURCES)
        method, path = self._line(resource)
        content_type, body = self._body(method, resource)
        headers = self._headers(content_type, method)
        body = self._code(body, headers)
        lines = [f"{method} ".encode() + path + b" HTTP/1.1", *(f"{n}: ".encode() + v for n, v in headers)]
        return Generated(b"\r\n".join(lines) + b"\r\n\r\n" + body, method)

    def _pick(self, choices: Any) -> Any:
        return self._random.choice(choices)

    def _happens(self, chance: float) -> bool:
        return self._random.random() < chance

    # Address

    def _line(self, resource: Resource) -> tuple[str, bytes]:
        method = self._pick(METHODS if self._happens(0.97) else ("HEAD", "OPTIONS", "get", "CONNECT"))
        path = self._pick(PATHS) if self._happens(0.05) else self._object_path(method, resource)
        data = quote(path, safe="/*", errors="surrogatepass").encode()
        if self._happens(0.03):
            at = self._random.randrange(len(data))
            data = data[:at] + self._pick(ODD_BYTES) + data[at:]
        query = b"&".join(self._parameter() for _ in range(self._pick((0, 0, 0, 0, 1, 2))))
        return method, data + (b"?" + query if query else b"")

    def _object_path(self, method: str, resource: Resource) -> str:
        path = f"/apis/{resource.api_version}" if resource.group else "/api/v1"
        if resource.namespaced and self._happens(0.9):
            path += f"/namespaces/{self._pick(('default', 'default', 'default', self._pick(NAMES)))}"
        path += f"/{resource.plural}"
        if method in ("PUT", "PATCH") or self._happens(0.3):
            path += f"/{self._pick(NAMES[:2]) if self._happens(0.8) else self._pick(NAMES)}"
            if resource.subresources and self._happens(0.3):
                path += f"/{self._pick(resource.subresources).name}"
        return path

    def _parameter(self) -> bytes:
        value = self._pick(VALUES)
        text = value if self._happens(0.5) else quote(value, errors="surrogatepass")
        return f"{self._pick(QUERIES)}={text}".replace(" ", "+").replace("\x00", "%00").encode("utf-8", "surrogatepass")

    # Headers

    def _headers(self, content_type: str, method: str) -> list[tuple[str, bytes]]:
        token = f"Bearer {self._token}".encode()
        headers = [("Host", b"a"), ("Authorization", token if self._happens(0.98) else self._odd_bytes())]
        accept = self._pick(ACCEPTS[:9]) if self._happens(0.9) else self._pick(ACCEPTS)
        headers += [("Accept", accept.encode("latin-1")), ("Content-Type", content_type.encode("latin-1"))]
        if self._happens(0.1):
            headers.append(("User-Agent", self._pick((b"kubectl/v1", b"\xff\xfe/\x80", b"", b"a" * 3000))))
        if self._happens(0.03) and method == "GET":
            headers += [("Connection", b"Upgrade"), ("Upgrade", self._pick((b"websocket", b"SPDY/3.1", b"\xff")))]
            headers += [("Sec-WebSocket-Version", self._pick((b"13", b"0", b"x")))]
            headers += [("Sec-WebSocket-Key", self._pick((b"dGhlIHNhbXBsZSBub25jZQ==", b"x", b"")))]
            headers += [("Sec-WebSocket-Protocol", self._pick((b"v5.channel.k8s.io", b"x", b"")))]
        if self._happens(0.03):
            headers.append(self._pick((
                ("Expect", b"100-continue"), ("Expect", b"a"), ("Range", b"bytes=0-"), ("Cookie", b"\xff=\x80"),
                ("If-Modified-Since", b"x"), ("X-Forwarded-For", b"\xff"), ("Impersonate-User", b"a"), ("Date", b""),
                ("Impersonate-User", self._odd_bytes()),
            )))  # fmt: skip
        return headers

    def _odd_bytes(self) -> bytes:
        return self._pick((b"\xff\xfe", b"Bearer \xc3\xa9", b"Bearer", b"", b"Basic YTpi", b"Bearer " + b"x" * 5000))

    # Bodies

    def _body(self, method: str, resource: Resource) -> tuple[str, bytes]:
        if method in ("GET", "HEAD", "OPTIONS") and self._happens(0.95):
            return "", b""
        if self._happens(0.05):
            return self._pick(CONTENT_TYPES), self._random.randbytes(self._random.randrange(200))
        if self._happens(0.04):
            return self._pick(("application/yaml", "application/apply-patch+yaml")), self._pick(YAML)
        content_type, value = "application/json", self.object(resource)
        if method == "PATCH":
            content_type = self._pick(tuple(PATCHES))
            value = getattr(self, PATCHES[content_type])(resource)
        elif method == "DELETE":
            value = self._struct("DeleteOptions", 2)
        elif self._happens(0.15) and (packed := self._packed(resource, value)):
            return PROTOBUF, packed
        if self._happens(0.03):
            content_type = self._pick(CONTENT_TYPES)
        body = json.dumps(value).encode()
        if self._happens(0.03):
            at = self._random.randrange(len(body))
            body = body[:at] + self._pick((b"\xff", b"\x00", b"", b"[" * 2000, b"NaN", b'"')) + body[at + 1 :]
        return content_type, body

    def _packed(self, resource: Resource, value: Any) -> bytes:
        """The object in protobuf, sometimes damaged; nothing where it is none."""
        try:
            obj = Decoder(resource.kind, resource.api_version).decode(value)
            packed = bytearray(protobuf.encode(obj | {"kind": resource.kind, "apiVersion": resource.api_version}))
        except (StatusError, UnicodeEncodeError, JSONEncodeError):
            return b""
        for _ in range(self._pick((0, 0, 1, 5))):
            packed[self._random.randrange(len(packed))] = self._random.randrange(256)
        return bytes(packed[: self._random.randrange(len(packed))] if self._happens(0.1) else packed)

    def _code(self, body: bytes, headers: list[tuple[str, bytes]]) -> bytes:
        """The body as it is sent, with the headers that say how long it is and how it is packed."""
        if self._happens(0.04):
            coding = self._pick(("gzip", "deflate", "br", "zstd", "identity", "x", "gzip, gzip"))
            headers.append(("Content-Encoding", coding.encode()))
            packed = {"gzip": gzip.compress(body), "deflate": zlib.compress(body)}.get(coding, body)
            body = packed if self._happens(0.5) else body
        if self._happens(0.03):
            headers.append(("Transfer-Encoding", b"chunked"))
            size = self._pick((f"{len(body):x}".encode(), b"zz", b"-1", b"f" * 20))
            return size + b"\r\n" + body + b"\r\n0\r\n\r\n"
        length = b"%d" % len(body) if self._happens(0.995) else self._pick((b"-1", b"x", b"1" if body else b"0"))
        headers.append(("Content-Length", length))
        return body

    def object(self, resource: Resource) -> dict[str, Any]:
        made = self._struct(resource.kind, 0)
        made["kind"], made["apiVersion"] = resource.kind, resource.api_version
        metadata = made["metadata"] if isinstance(made.get("metadata"), dict) else {}
        made["metadata"] = metadata
        metadata["name"] = self._pick(NAMES[:2]) if self._happens(0.9) else self._pick(NAMES)
        metadata.pop("namespace", None)
        metadata.pop("uid", None)
        if self._happens(0.9):
            metadata.pop("resourceVersion", None)
            metadata.pop("labels", None)
        if self._happens(0.05):
            made[self._pick(tuple(made))] = self._pick(JUNK)
        return made

    def _struct(self, name: str, depth: int) -> dict[str, Any]:
        fields = types()[name]
        chance = 0.6 if depth < 2 else 0.25
        return {
            field: self._value(fields[field].shape, depth + 1)
            for field in fields
            if self._happens(0.97 if fields[field].kept or field in ("spec", "template", "selector") else chance)
        }

    def _value(self, shape: str, depth: int) -> Any:
        if self._happens(0.004):
            return self._pick(JUNK)
        if shape[0] == "[":
            return [self._value(shape[1:-1], depth) for _ in range(self._pick((1, 1, 1, 0, 2)))]
        if shape[0] == "{":
            return {self._pick(TEXTS if self._happens(0.1) else ("a", "b")): self._value(shape[1:-1], depth)}
        if shape[0].isupper():
            return self._struct(shape, depth) if depth < 9 else {}
        return self._scalar(shape)

    def _scalar(self, shape: str) -> Any:
        if shape in ("int32", "int64"):
            return self._pick(NUMBERS[:4] if self._happens(0.9) else NUMBERS)
        if shape == "str":
            return self._pick(("a", "b", *TEXTS[-11:]) if self._happens(0.9) else TEXTS)
        return self._pick(JUNK if shape == "raw" else SCALARS[shape])

    # Patches

    def operations(self, resource: Resource) -> Any:
        if self._happens(0.05):
            return self._pick(JUNK)
        return [self._operation(resource) for _ in range(self._pick((1, 2, 3)))]

    def _operation(self, resource: Resource) -> Any:
        kinds = ("add", "remove", "replace", "move", "copy", "test", "x", None, [])
        operation = {"op": self._pick(kinds), "path": self._pick(POINTERS), "from": self._pick(POINTERS)}
        operation["value"] = self.object(resource) if self._happens(0.1) else self._pick(JUNK)
        kept = {field: value for field, value in operation.items() if self._happens(0.95)}
        return kept if self._happens(0.97) else self._pick(JUNK)

    def strategic(self, resource: Resource) -> Any:
        made = self.object(resource)
        target = self._pick([made, *(value for value in made.values() if isinstance(value, dict))])
        target[self._pick(DIRECTIVES)] = self._pick(("replace", "delete", "merge", ["a"], [{"name": "a"}], [[]], *JUNK))
        for value in target.values():
            if isinstance(value, list) and value and isinstance(value[0], dict):
                value[0][self._pick(("$patch", "name", "a"))] = self._pick(("delete", "replace", *JUNK))
        return made
