"""Which version of a system: what its containers run, by content, and what its programs are configured by.

Evidence is of one version: what a drill proved of another one says nothing of this. Belongs here: reading the version
off objects, its canonical form, comparing two. What evidence is needed for does not (`muster.readiness`).
"""

from muster.system.version.comparing import Comparison, compare
from muster.system.version.model import ContainerImage, SystemVersion, version_from_json
from muster.system.version.reading import of_cluster, of_manifests, of_objects

__all__ = [
    "Comparison",
    "ContainerImage",
    "SystemVersion",
    "compare",
    "of_cluster",
    "of_manifests",
    "of_objects",
    "version_from_json",
]
