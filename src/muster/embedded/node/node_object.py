"""The object that stands for this machine in the API."""

from __future__ import annotations

import os
import platform

from muster.embedded.objects import Object, timestamp

VERSION = "v1.36.0"
MAX_PODS = 110


def node_object(name: str, address: str) -> Object:
    """A Node that is ready, with this machine's size."""
    size = {
        "cpu": str(os.cpu_count() or 1),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') // 1024}Ki",
        "pods": str(MAX_PODS),
    }
    labels = {"kubernetes.io/arch": _architecture(), "kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {},
        "status": {
            "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
            "allocatable": size,
            "capacity": size,
            "conditions": [
                _condition("MemoryPressure", False, "KubeletHasSufficientMemory"),
                _condition("DiskPressure", False, "KubeletHasNoDiskPressure"),
                _condition("PIDPressure", False, "KubeletHasSufficientPID"),
                _condition("Ready", True, "KubeletReady"),
            ],
            "nodeInfo": {
                # Required, and nobody's business: they would tell one machine from another.
                "machineID": "",
                "systemUUID": "",
                "bootID": "",
                "architecture": _architecture(),
                "containerRuntimeVersion": "muster://0",
                "kernelVersion": platform.release(),
                "kubeletVersion": VERSION,
                "kubeProxyVersion": VERSION,
                "operatingSystem": "linux",
                "osImage": "this machine",
            },
        },
    }


def _architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def _condition(kind: str, holds: bool, reason: str) -> Object:
    at = timestamp()
    return {
        "type": kind,
        "status": "True" if holds else "False",
        "reason": reason,
        "message": reason,
        "lastHeartbeatTime": at,
        "lastTransitionTime": at,
    }
