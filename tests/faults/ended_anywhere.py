"""Runs an experiment again and again in one process, and ends it by signals at another line each time.

    python ended_anywhere.py EXPERIMENT SEED OTHERS

Tried is each line of Chaos Toolkit and of muster from the hold of the fault to the end, and OTHERS drawn among the
lines of everything that runs, logging and JSON included, from the begin. The cluster is a dictionary, so that a run
takes milliseconds. Prints as JSON how many were tried, and each at which the fault was left in force.
"""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import yaml
from chaoslib.run import Runner
from chaoslib.types import Strategy

from muster.faults import activities, activity, channel, controls, session
from muster.faults.ending import Ending
from muster.kube import ApiError
from muster.wire.names import OPT_IN_LABEL, OPT_IN_VALUE

NUMBERS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
NAMESPACE = "shop"


class Dictionary:
    """As much of a cluster as an experiment needs."""

    context, server, embedded, kubeconfig, access = "dictionary", "https://none", False, Path("none"), None

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], dict[str, Any]] = {
            ("Namespace", NAMESPACE): {"metadata": {"name": NAMESPACE, "labels": {OPT_IN_LABEL: OPT_IN_VALUE}}},
            ("ConfigMap", "settings"): {"metadata": {"name": "settings", "labels": {}}, "data": {"rate": "100"}},
        }

    def find(self, kind: str, name: str, _namespace: str | None = None) -> Any:
        return deepcopy(self.objects.get((kind, name)))

    def get(self, kind: str, name: str, _namespace: str | None = None) -> Any:
        return deepcopy(self.objects[kind, name])

    def list(self, kind: str, _namespace: str, *, labels: str = "") -> list[Any]:
        return [
            deepcopy(item)
            for (found, _), item in self.objects.items()
            if found == kind and labels in item["metadata"].get("labels", {})
        ]

    def create(self, body: dict[str, Any], namespace: str) -> Any:
        key = body["kind"], body["metadata"]["name"]
        if key in self.objects:
            raise ApiError("it exists", code=409, reason="AlreadyExists")
        body["metadata"] |= {"namespace": namespace, "resourceVersion": "1"}
        self.objects[key] = deepcopy(body)
        return body

    def replace(self, body: dict[str, Any], namespace: str) -> Any:
        body["metadata"] |= {"namespace": namespace, "resourceVersion": "1"}
        self.objects[body["kind"], body["metadata"]["name"]] = deepcopy(body)
        return body

    def patch(self, kind: str, name: str, _namespace: str, patch: Any, **_options: str) -> Any:
        found = self.objects[kind, name]
        for change in patch if isinstance(patch, list) else []:
            if change["op"] == "replace":
                found["data"]["rate"] = change["value"]
        return deepcopy(found)

    def delete(self, kind: str, name: str, _namespace: str, **_options: str) -> None:
        self.objects.pop((kind, name), None)

    def trouble(self) -> str:
        """What is left of the fault."""
        left = [name for _, name in self.objects if name.startswith("muster-fault")]
        rate = self.objects["ConfigMap", "settings"]["data"]["rate"]
        return "; ".join([*(f"record {name}" for name in left), *([f"rate is {rate}"] if rate != "100" else [])])


def experiment(path: Path) -> dict[str, Any]:
    """The experiment, with a method that changes one thing, calls what is others', and holds."""
    content: dict[str, Any] = yaml.safe_load(path.read_text())
    patch = {"kind": "ConfigMap", "name": "settings", "path": "data.rate", "after": "fast"}
    own = {"type": "python", "module": "muster.faults.activities", "func": "patch_field", "arguments": patch}
    foreign = {"type": "python", "module": "tests_of_muster", "func": "strike", "arguments": {}}
    content["method"] = [
        {"type": "action", "name": "patch", "provider": own},
        {"type": "action", "name": "strike", "provider": foreign},
        content["method"][-1],
    ]
    content["configuration"] = {"namespace": NAMESPACE, "hold_s": 0.0}
    return content


class Script:
    """Raises signals at the lines of a run, counted from its begin; with `all_code` not only at muster's and Chaos
    Toolkit's own."""

    def __init__(self, at: dict[int, signal.Signals], *, all_code: bool) -> None:
        self._at, self._all_code = at, all_code
        self.lines: list[tuple[str, int]] = []
        self.held_from = 0

    def __call__(self, frame: FrameType, event: str, _argument: object) -> Any:
        name = frame.f_code.co_filename
        if name == __file__ or not (self._all_code or "/chaoslib/" in name or "/muster/" in name):
            return None
        if frame.f_code.co_name == "hold":
            self.held_from = self.held_from or len(self.lines)
        if event == "line":
            self.lines.append((name, frame.f_lineno))
            number = self._at.get(len(self.lines) - 1)
            if number is not None:
                signal.raise_signal(number)
        return self


def run(content: dict[str, Any], script: Script, patience_s: float) -> str:
    """Run it; what is left of the fault afterwards, nothing if all is well."""
    cluster, ending = Dictionary(), Ending(patience_s)
    for module in (controls, activity, channel, activities):
        module.ENDING = ending  # type: ignore[attr-defined]

    @contextmanager
    def connect(_path: Path) -> Iterator[Dictionary]:
        yield cluster

    session.official_clients = lambda _: nullcontext()  # type: ignore[assignment,attr-defined,return-value]
    session.connect = connect  # type: ignore[assignment,attr-defined]
    session.check_reach = lambda *_arguments, **_named: ()  # type: ignore[attr-defined]
    session.check_fit = lambda _: SimpleNamespace(extension=SimpleNamespace(experiment="own"), longest_s=0.0)  # type: ignore[assignment,attr-defined,return-value]
    settings = {"runtime": {"rollbacks": {"strategy": "always"}}}
    runner = Runner(Strategy.DEFAULT)
    sys.settrace(script)
    try:
        runner.run(deepcopy(content), settings)
    except (Exception, KeyboardInterrupt, SystemExit):  # noqa: BLE001  (before the guard, it may end in any way)
        pass
    finally:
        sys.settrace(None)
        session.end()
        ending.end()
    return cluster.trouble()


def main(path: str, seed: str, others: str) -> None:
    draw, content = random.Random(int(seed)), experiment(Path(path))
    sys.modules["tests_of_muster"] = SimpleNamespace(strike=lambda: "struck")  # type: ignore[assignment]
    logging.raiseExceptions = False  # before the guard Chaos Toolkit's own handler raises, in logging as well
    logging.getLogger("chaostoolkit").propagate = False
    for number in NUMBERS:
        signal.signal(number, signal.default_int_handler)  # before the guard as well, this process is to live
    ours, everything = Script({}, all_code=False), Script({}, all_code=True)
    for script in (ours, everything):
        assert run(content, script, 1.0) == ""
        assert script.held_from
    first = {line: moment for moment, line in reversed(list(enumerate(ours.lines))) if moment >= ours.held_from}
    wanted = [(ours, moment, 1.0) for moment in sorted(first.values())]
    drawn = draw.sample(range(len(everything.lines)), int(others))
    wanted += [(everything, moment, draw.choice((0.0, 1.0))) for moment in drawn]
    bad = []
    for script, moment, patience in wanted:
        at = {moment: draw.choice(NUMBERS), moment + draw.randrange(1, 100): draw.choice(NUMBERS)}
        if trouble := run(content, Script(at, all_code=script is everything), patience):
            name, line = script.lines[moment]
            bad.append(f"{Path(name).name}:{line}, signals {at}, patience {patience:g} s: {trouble}")
    print(json.dumps({"tried": len(wanted), "bad": bad}))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        os.environ |= {"KUBECONFIG": "none", "MUSTER_NAMESPACE": NAMESPACE}
        main(*sys.argv[1:])
