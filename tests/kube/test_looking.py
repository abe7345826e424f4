"""A cluster that is only to be looked at lets nothing be changed through it."""

from __future__ import annotations

import pytest

from muster.base.errors import RefusedError
from muster.kube import Cluster
from muster.safety.rights import missing_rights, rights

SETTINGS = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}


def test_reads_pass_and_what_changes_something_is_refused(cluster: Cluster, namespace: str) -> None:
    cluster.create(SETTINGS, namespace)
    looking = cluster.looking().unobserved()  # a twin of a twin only looks as well
    assert looking.get("ConfigMap", "settings", namespace)["metadata"]["name"] == "settings"
    assert missing_rights(looking, namespace, rights("get", "Pod")) == [], "a question that is put by POST"
    changes = (
        lambda: looking.create({**SETTINGS, "metadata": {"name": "another"}}, namespace),
        lambda: looking.patch("ConfigMap", "settings", namespace, {"data": {"a": "b"}}),
        lambda: looking.replace(SETTINGS, namespace),
        lambda: looking.delete("ConfigMap", "settings", namespace),
    )
    for change in changes:
        with pytest.raises(RefusedError, match="changes the cluster, which is only to be looked at here"):
            change()
    assert [one["metadata"]["name"] for one in cluster.list("ConfigMap", namespace)].count("settings") == 1
    assert "data" not in cluster.get("ConfigMap", "settings", namespace)
