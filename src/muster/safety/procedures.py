"""Procedure records: which recovery procedure was begun on a namespace and has not ended, kept in that namespace.

A procedure that is cut in the middle does as much harm as a fault: an old primary is fenced and no new one promoted. So
it is on record, as a ConfigMap with the label `muster.dev/procedure-record`, from before it first acts until it has
ended well, with the steps that it did and what it keeps to go on with. Running it again ends it: each of its steps asks
first whether there is anything to do.
"""

from __future__ import annotations

import json
import re
import secrets
import shlex
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from muster.base.clock import utc_iso
from muster.base.errors import MusterError
from muster.base.process import run_id
from muster.kube import Cluster
from muster.safety.audit import who
from muster.wire.names import MANAGED_BY_LABEL, MANAGED_BY_VALUE, PROCEDURE_RECORD_LABEL

SCHEMA = "muster/procedure-record/v1"


class ProcedureRecordError(MusterError):
    """A procedure record cannot be understood."""


def procedure_record_name(procedure: str) -> str:
    """What the ConfigMap is called that has a procedure on record."""
    return f"muster-recovery-{re.sub(r'[^a-z0-9.-]+', '-', procedure.lower()).strip('-.')}"


class StepDone(NamedTuple):
    """A step that acted: what it said that it did, when (UTC), and who ran it."""

    step: str
    did: str
    at: str
    by: str


@dataclass(frozen=True)
class ProcedureRecord:
    """A procedure that was begun: where it is, since when, and who runs it. `failed` is why a step of it failed, `done`
    are the steps that acted, by whichever execution, `progress` is what the procedure keeps to go on with."""

    procedure: str
    namespace: str
    arguments: Mapping[str, str]
    step: str
    failed: str = ""
    began: str = field(default_factory=lambda: utc_iso(timespec="seconds"))
    by: str = field(default_factory=who)
    host: str = field(default_factory=socket.gethostname)
    run: str = field(default_factory=run_id)
    execution: str = field(default_factory=lambda: secrets.token_hex(6))  # nobody closes another's by accident
    done: tuple[StepDone, ...] = ()
    progress: Mapping[str, Any] = field(default_factory=dict)
    version: str = field(default="", compare=False)  # the ConfigMap's, as it was read or written last

    @property
    def name(self) -> str:
        """The ConfigMap's name: one for each procedure."""
        return procedure_record_name(self.procedure)

    def told(self, cluster: Cluster) -> str:
        """What a person should know of it, in one sentence that ends with the command that ends it."""
        where = f"in namespace '{self.namespace}' of context '{cluster.context}'"
        since = f"of {self.began}, by {self.by} on {self.host}"
        if self.failed:
            state = f"failed {where} at step '{self.step}' ({self.failed})"
            return f"procedure '{self.procedure}' {since}, {state}; run it to its end: {self.command(cluster)}"
        state = f"has not ended {where}, it was at step '{self.step}'"
        return f"procedure '{self.procedure}' {since}, {state}; unless it runs still, end it: {self.command(cluster)}"

    def command(self, cluster: Cluster) -> str:
        """The whole command that runs it again."""
        where = [] if cluster.embedded else ["--kube-context", cluster.context]
        given = [f"{name}={value}" for name, value in self.arguments.items()]
        return shlex.join(["muster", "recover", self.procedure, *given, *where])

    def to_config_map(self) -> dict[str, Any]:
        content = {
            "schema": SCHEMA,
            "procedure": self.procedure,
            "arguments": dict(self.arguments),
            "step": self.step,
            "failed": self.failed,
            "began": self.began,
            "by": self.by,
            "host": self.host,
            "run": self.run,
            "execution": self.execution,
            "done": [done._asdict() for done in self.done],
            "progress": dict(self.progress),
        }
        labels = {PROCEDURE_RECORD_LABEL: "open", MANAGED_BY_LABEL: MANAGED_BY_VALUE}
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": self.name, "labels": labels},
            "data": {"record.json": json.dumps(content, indent=2)},
        }

    @classmethod
    def from_config_map(cls, item: dict[str, Any]) -> ProcedureRecord:
        """Read a record.

        Raises:
            ProcedureRecordError: the ConfigMap holds none that is known here.
        """
        name, namespace = str(item["metadata"]["name"]), str(item["metadata"].get("namespace"))
        try:
            content = _of_schema(json.loads(item["data"]["record.json"]))
            texts = ("procedure", "step", "failed", "began", "by", "host", "run", "execution")
            arguments = {str(key): str(value) for key, value in content["arguments"].items()}
            return cls(
                namespace=namespace,
                arguments=arguments,
                done=tuple(StepDone(*(str(one[key]) for key in StepDone._fields)) for one in content.get("done", [])),
                progress=dict(content.get("progress", {})),
                version=str(item["metadata"].get("resourceVersion", "")),
                **{key: str(content[key]) for key in texts},
            )
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise ProcedureRecordError(
                f"procedure record {name} in namespace {namespace} cannot be understood "
                f"({type(error).__name__}: {error}); see what its procedure left undone, then delete the ConfigMap"
            ) from error


def _of_schema(content: dict[str, Any]) -> dict[str, Any]:
    if content["schema"] != SCHEMA:
        raise ValueError(f"its schema is {content['schema']!r}, not {SCHEMA!r}")
    return content


def begun_procedures(cluster: Cluster, namespace: str) -> list[ProcedureRecord]:
    """The procedures that were begun in a namespace and have not ended well, by name.

    Raises:
        ProcedureRecordError: a record of one cannot be understood.
        ClusterError: the cluster cannot be asked.
    """
    items = cluster.list("ConfigMap", namespace, labels=PROCEDURE_RECORD_LABEL)
    return sorted(map(ProcedureRecord.from_config_map, items), key=lambda record: record.procedure)


def put_on_record(
    cluster: Cluster, record: ProcedureRecord, *, in_place_of: ProcedureRecord | None = None
) -> ProcedureRecord:
    """Write a record, or how far it has come, in the place of what was read or written before; returns it as it is now.

    Raises:
        ApiError: with code 409 or 404, where it has another one's meanwhile, or is gone.
        ClusterError: it could not be written; then the procedure must not act.
    """
    body = record.to_config_map()
    if in_place_of is None:
        written = cluster.create(body, record.namespace)
    else:
        body["metadata"]["resourceVersion"] = in_place_of.version
        written = cluster.replace(body, record.namespace)
    return replace(record, version=str(written["metadata"].get("resourceVersion", "")))


def take_off_record(cluster: Cluster, record: ProcedureRecord) -> None:
    """Delete the record, unless another execution of the procedure has written its own meanwhile.

    Raises:
        ClusterError: the cluster does not answer.
    """
    found = cluster.find("ConfigMap", record.name, record.namespace)
    if found is not None and ProcedureRecord.from_config_map(found).execution == record.execution:
        cluster.delete("ConfigMap", record.name, record.namespace)
