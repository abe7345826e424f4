"""A system of which system.yaml says no more than it must: one Deployment that is read."""

from __future__ import annotations

from pathlib import Path

from muster.system import SystemDefinition, read_system

SYSTEM = """
schema: muster/system/v1
name: shop
namespace: shop
service: {name: shop, port: 8080}
read: {request: {path: /items.json}}
"""
MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: shop, image: shop:1}]}
"""


def least(directory: Path, *more: str) -> SystemDefinition:
    """Write it into a directory, with lines that system.yaml says beside, and read it."""
    (directory / "manifests").mkdir()
    (directory / "manifests/shop.yaml").write_text(MANIFEST)
    (directory / "system.yaml").write_text(SYSTEM + "\n".join(more))
    return read_system(directory)
