"""A workload's pod template as far as it decides what its programs do, in one form however it was written.

A manifest and what the API server made of it are the same here: what Kubernetes fills in by itself is left out, amounts
are numbers, and what has a name is in order of names. Images are left out (they are told by content), and so are
replicas, labels, muster's own annotations, and the time of a restart.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from muster.base.quantities import amount
from muster.system.identity import RESTARTED
from muster.system.version.secrets import name_of_secret, plain_text

Object = dict[str, Any]

OWN = "muster.dev/"
# What fetches an image, or only says where a program's last words go; and an older name of another field.
_LEFT_OUT = {"image", "imagePullPolicy", "terminationMessagePath", "terminationMessagePolicy", "serviceAccount"}
_VOLUME = {"defaultMode": 420, "optional": False}
_NEEDED = {"optional": False}
_PROBE = {
    "initialDelaySeconds": 0,
    "timeoutSeconds": 1,
    "periodSeconds": 10,
    "successThreshold": 1,
    "failureThreshold": 3,
}
# What the API server fills in (kubernetes.io/docs/reference/kubernetes-api), by the key that it stands below.
_DEFAULTS: dict[str, Mapping[str, Any]] = {
    "spec": {
        "dnsPolicy": "ClusterFirst",
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "terminationGracePeriodSeconds": 30,
        "serviceAccountName": "default",
        "enableServiceLinks": True,
        "hostNetwork": False,
        "hostPID": False,
        "hostIPC": False,
        "shareProcessNamespace": False,
    },
    "readinessProbe": _PROBE,
    "livenessProbe": _PROBE,
    "startupProbe": _PROBE,
    "httpGet": {"scheme": "HTTP", "path": "/"},
    "grpc": {"service": ""},
    "ports": {"protocol": "TCP"},
    "volumeMounts": {"readOnly": False},
    "configMap": _VOLUME,
    "secret": _VOLUME,
    "projected": _VOLUME,
    "downwardAPI": _VOLUME,
    "hostPath": {"type": ""},
    "serviceAccountToken": {"expirationSeconds": 3600},
    "fieldRef": {"apiVersion": "v1"},
    "resourceFieldRef": {"divisor": "0"},
    "configMapKeyRef": _NEEDED,
    "secretKeyRef": _NEEDED,
    "configMapRef": _NEEDED,
    "secretRef": _NEEDED,
}
# Lists whose order says nothing, and what their items are told apart by.
_UNORDERED: dict[str, Callable[[Any], Any]] = {
    "containers": lambda one: str(one.get("name")),
    "volumes": lambda one: str(one.get("name")),
    "volumeMounts": lambda one: (str(one.get("mountPath")), str(one.get("subPath"))),
    "ports": lambda one: (str(one.get("containerPort")), str(one.get("protocol"))),
    "imagePullSecrets": lambda one: str(one.get("name")),
    "tolerations": lambda one: sorted(map(str, one.items())),
    "items": lambda one: str(one.get("key") or one.get("path")),
    "add": str,
    "drop": str,
}
_SECRETS = {"secretKeyRef": "name", "secretRef": "name", "secret": "secretName", "imagePullSecrets": "name"}
_REFERENCE = re.compile(r"\$\(([^()$]+)\)")
_WORDS = ("command", "args")


def template_of(workload: Object) -> Object:
    """The canonical pod template of a workload, a value of JSON.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is no workload.
    """
    template = workload["spec"].get("template") or {}
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    return {
        "annotations": {
            key: plain_text(key, str(value))
            for key, value in annotations.items()
            if key != RESTARTED and not key.startswith(OWN)
        },
        "spec": _canonical("spec", template.get("spec") or {}),
    }


def _canonical(key: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return _mapping(key, value)
    if isinstance(value, list):
        if key == "env":
            return _variables(value)
        found = [_canonical(key, one) for one in value]
        return sorted(found, key=_UNORDERED[key]) if key in _UNORDERED else found
    return plain_text("", value) if key in _WORDS and isinstance(value, str) else value


def _mapping(key: str, value: Mapping[str, Any]) -> Object:
    if key in ("limits", "requests"):
        return {name: f"{amount(one):.9g}" for name, one in value.items()}
    if key == "resources":  # what may be used is wanted, too, where nothing else is
        limits = value.get("limits") or {}
        value = {**value, "requests": {**limits, **(value.get("requests") or {})}}
    defaults = _DEFAULTS.get(key, {})
    found = {}
    for name, inner in value.items():
        if name in _LEFT_OUT or inner is None or (name in defaults and inner == defaults[name]):
            continue
        made = _canonical(name, inner)
        # An empty thing says nothing, but for the kind of a volume: emptyDir: {}.
        if made not in ({}, []) or key == "volumes":
            found[name] = made
    for name in ("name", "secretName"):
        if name in found and (_SECRETS.get(key) == name or (key == "secret" and name == "name")):
            found[name] = name_of_secret(found[name])
    return found


def _variables(variables: Sequence[Mapping[str, Any]]) -> Object:
    """Variables by name, of which the last counts; with what of the earlier ones a value refers to: `$(NAME)` stands
    for nothing where NAME only comes later, and that is all that their order says."""
    found: Object = {}
    for one in variables:
        name = str(one["name"])
        if one.get("valueFrom"):
            found[name] = {"from": _canonical("valueFrom", one["valueFrom"])}
            continue
        text = str(one.get("value") or "")
        known = sorted({word for word in _REFERENCE.findall(text) if word in found})
        found[name] = {"value": plain_text(name, text)} | ({"known": known} if known else {})
    return found
