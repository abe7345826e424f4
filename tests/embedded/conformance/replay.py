"""Replaying recorded scenarios of the Kubernetes API against a server, and comparing what it answers.

A recording is a list of scenarios, a scenario a list of steps that run in a fresh namespace:

    request  method, path, query, type (content type), body or raw; the HTTP status (`http`) and the values at the paths
             in `check` are compared, `save` keeps values as {names}
    wait     GET `path` until each of `until` holds, at most `seconds`
    watch    open a watch on `path` and collect its events in the background under `name`
    events   the events collected so far by watch `name`, as "TYPE object-name" lines; `distinct` drops consecutive
             repeats, `types` keeps only those event types
    http     GET a URL (of a Service or a pod) from this machine; status and body are compared
    kubectl  run kubectl with `args` (standard input: `input`); exit code and normalised output are compared
    sleep    `seconds`

A path in `check` is dotted; `[n]` indexes, `[key=value]` picks from a list, `#` counts (nothing counts 0), `?` tells
whether there is a value that is not empty, `@sorted(x)` lists field x of every element. `differs` maps a path to a
saved name that its value must no longer equal. Times, addresses, generated names and saved values are made alike before
they are compared. `expect` of a step is what the real cluster answered.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
from embedded_support import Running

from muster.base.clock import now

FURNISHED = ("serviceaccounts/default", "configmaps/kube-root-ca.crt")
CERTIFICATES = ("kube-root-ca.crt", "openshift-service-ca.crt")
_TOKENS = re.compile(r"\[[^\]]*\]|@sorted\([^)]*\)|#|\?|[^.\[\]#?@]+")
_GENERATED = "[bcdfghjklmnpqrstvwxz2456789]"
_VOLATILE = [
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uid>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
    (r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b", "<ip>"),
    (rf"-[0-9a-f]{{8,10}}-{_GENERATED}{{5}}\b", "-<hash>-<rand>"),
    (rf"-{_GENERATED}{{8,10}}-{_GENERATED}{{5}}\b", "-<hash>-<rand>"),
    (r"\b(\d+[smhd])+( ago)?\b", "<age>"),
]

Step = dict[str, Any]
Seen = dict[str, Any]


def pick(document: Any, path: str) -> Any:
    """The value at a path of `check`."""
    tokens = _TOKENS.findall(path)
    for token in tokens:
        if token == "#":
            return len(document or [])
        if token == "?":
            return document is not None and document not in ([], {})
        if token.startswith("@sorted("):
            return sorted(str(pick(item, token[8:-1])) for item in document or [])
        if document is None:
            return {"?": False, "#": 0}.get(tokens[-1])
        document = _within(document, token)
    return document


def _within(document: Any, token: str) -> Any:
    if not token.startswith("["):
        return document.get(token) if isinstance(document, dict) else None
    inner = token[1:-1]
    if re.fullmatch(r"-?\d+", inner):
        fits = isinstance(document, list) and -len(document) <= int(inner) < len(document)
        return document[int(inner)] if fits else None
    if "=" in inner:
        key, value = inner.split("=", 1)
        items = document if isinstance(document, list) else []
        return next((item for item in items if str(pick(item, key)) == value), None)
    return document.get(inner) if isinstance(document, dict) else None


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    """The value with every text in it changed, keys left alone."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _mapped(item, change) for key, item in value.items()}
    return value


def normal(value: Any, names: dict[str, Any]) -> Any:
    """The value with what differs from run to run replaced by placeholders."""

    def change(text: str) -> str:
        for name, actual in sorted(names.items(), key=lambda pair: -len(str(pair[1]))):
            if isinstance(actual, str) and len(actual) > 3:
                text = re.sub(r"(?<![\w.-])" + re.escape(actual) + r"(?![\w-])", "{" + name + "}", text)
        for pattern, label in _VOLATILE:
            text = re.sub(pattern, label, text)
        return text

    return _mapped(value, change)


def _filled(value: Any, names: dict[str, Any]) -> Any:
    def change(text: str) -> str:
        for name, actual in names.items():
            text = text.replace("{" + name + "}", str(actual))
        return text

    return _mapped(value, change)


class _Watch(threading.Thread):
    """A watch that is read in the background."""

    def __init__(self, cluster: Running, path: str, query: dict[str, str] | None) -> None:
        super().__init__(daemon=True)
        self.events: list[dict] = []
        self.status: int | None = None
        self.ended: str | None = None
        self._cluster, self._path, self._query = cluster, path, {**(query or {}), "watch": "1"}
        self._opened = threading.Event()
        self.start()
        self._opened.wait(10)

    def run(self) -> None:
        try:
            timeout = httpx.Timeout(60, connect=5)
            with self._cluster.client.stream("GET", self._path, params=self._query, timeout=timeout) as answer:
                self.status = answer.status_code
                self._opened.set()
                self.events.extend(json.loads(line) for line in answer.iter_lines() if line)
            self.ended = "closed"
        except httpx.HTTPError as error:  # the comparison shows what was collected until then
            self.ended = type(error).__name__
        finally:
            self._opened.set()


class Replay:
    """One scenario against one cluster."""

    def __init__(self, cluster: Running, namespace: str) -> None:
        self._cluster = cluster
        self._names: dict[str, Any] = {"ns": namespace}
        self._watches: dict[str, _Watch] = {}

    def step(self, step: Step) -> Seen:
        """Run one step; what was observed, to be compared with its `expect`."""
        filled = _filled({key: value for key, value in step.items() if key != "expect"}, self._names)
        seen: Seen = getattr(self, "_" + step["do"])(filled)
        return seen

    def _call(self, step: Step) -> tuple[int, Any]:
        content = step["raw"] if "raw" in step else json.dumps(step["body"]) if step.get("body") is not None else None
        headers = {} if content is None else {"Content-Type": step.get("type") or "application/json"}
        answer = self._cluster.client.request(
            step.get("method", "GET"), step["path"], params=step.get("query"), content=content, headers=headers
        )
        try:
            return answer.status_code, answer.json()
        except ValueError:
            return answer.status_code, answer.text

    def _keep(self, step: Step, document: Any) -> None:
        for name, path in step.get("save", {}).items():
            self._names[name] = pick(document, path)

    def _request(self, step: Step) -> Seen:
        status, document = self._call(step)
        self._keep(step, document)
        seen: Seen = {"http": status}
        for path in step.get("check", []):
            seen[path] = document if path == "body" else pick(document, path)
        for path, name in step.get("differs", {}).items():
            seen[path + " differs"] = pick(document, path) != self._names.get(name)
        return normal(seen, self._names)

    def _wait(self, step: Step) -> Seen:
        deadline = now() + step.get("seconds", 30)
        while True:
            status, document = self._call({"path": step["path"], "query": step.get("query")})
            found = {path: status if path == "http" else pick(document, path) for path in step["until"]}
            if found == step["until"] or now() > deadline:
                break
            time.sleep(0.1)
        self._keep(step, document)
        reached = found == step["until"]
        checked = {path: pick(document, path) for path in step.get("check", [])} if reached else {}
        return normal({"reached": reached, **checked}, self._names)

    def _watch(self, step: Step) -> Seen:
        watch = self._watches[step["name"]] = _Watch(self._cluster, step["path"], step.get("query"))
        return {"http": watch.status}

    def _events(self, step: Step) -> Seen:
        watch = self._watches[step["name"]]
        time.sleep(step.get("settle", 0.5))
        lines: list[str] = []
        for event in tuple(watch.events):
            line = _line(event, step.get("types"))
            if line is not None and not (step.get("distinct") and lines[-1:] == [line]):
                lines.append(line)
        return {"events": normal(lines, self._names)} | ({"ended": watch.ended} if step.get("ended") else {})

    def _http(self, step: Step) -> Seen:
        last: tuple[Any, str] = (None, "")
        for _ in range(step.get("tries", 20)):
            try:
                answer = httpx.get(step["url"], timeout=3, trust_env=False)
                last = (answer.status_code, answer.text)
            except httpx.ConnectError:
                last = ("ConnectionError", "")  # as the recording calls it
            except httpx.HTTPError as error:
                last = (type(error).__name__, "")
            if last[0] == step.get("want", 200):
                break
            time.sleep(0.2)
        return normal({"http": last[0]} | ({"body": last[1]} if step.get("body") else {}), self._names)

    def _kubectl(self, step: Step) -> Seen:
        done = self._cluster.kubectl(*step["args"], stdin=step.get("input"))
        lines = [re.sub(r"\s+", " ", line).strip() for line in done.stdout.splitlines()]
        if step.get("keep"):
            lines = [line for line in lines if re.search(step["keep"], line)]
        if step.get("sort"):
            lines = sorted(lines)
        return {"exit": done.returncode} | ({"out": normal(lines, self._names)} if step.get("output", True) else {})

    def _sleep(self, step: Step) -> Seen:
        time.sleep(step["seconds"])
        return {}


def _line(event: dict, types: list[str] | None) -> str | None:
    """An event as a line; None for one that does not count."""
    name = pick(event, "object.metadata.name")
    if (types and event["type"] not in types) or name in CERTIFICATES:
        return None
    if event["type"] == "BOOKMARK":  # those without annotations are sent at the server's leisure
        annotations = pick(event, "object.metadata.annotations")
        return "BOOKMARK " + ",".join(sorted(annotations)) if annotations else None
    return f"{event['type']} {name or pick(event, 'object.code') or ''}"


def differences(cluster: Running, scenario: dict[str, Any], namespace: str) -> tuple[int, list[str]]:
    """Run a scenario in a furnished namespace: how many values were compared, and those that differ, a line each."""
    replay, compared, found = Replay(cluster, namespace), 0, []
    for number, step in enumerate(scenario["steps"]):
        seen = replay.step(step)
        for what, wanted in step.get("expect", {}).items():
            compared += 1
            if seen.get(what) != wanted:
                where = step.get("path") or step.get("args") or step.get("name")
                found.append(f"step {number} {step['do']} {where}: {what}: expected {wanted}, got {seen.get(what)}")
    return compared, found
