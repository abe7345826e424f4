"""NetworkPolicies for the new version: what lets the old one's pods be asked, and ask, lets the new one's as well.

The new version's pods bear other labels, so that no Service leads to them by itself. A policy that names the old ones,
be it as those that it protects or as those that it lets in or out, is copied with the new ones in their place. Policies
only ever allow, and add up: a copy takes nothing from anybody. Source: Kubernetes, NetworkPolicy v1.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from muster.kube.selectors import selects
from muster.release.canary import marked
from muster.system.names import selector_text
from muster.wire.canary import beside

Object = dict[str, Any]


def policies_beside(
    policies: Iterable[Object], before: Mapping[str, str], after: Mapping[str, str], release: str
) -> Iterator[Object]:
    """A copy of each policy that names pods with the labels `before` and not those with `after`."""
    for policy in policies:
        spec = copy.deepcopy(policy["spec"])
        changed = [_led(selector, before, after) for selector in _selectors(spec)]
        if any(changed):
            yield {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "metadata": {"name": beside(policy["metadata"]["name"]), "labels": marked(release)},
                "spec": spec,
            }


def _selectors(spec: Object) -> Iterator[Object]:
    """The selectors of pods in a policy, as parts of it that can be changed; not those of pods elsewhere."""
    yield spec.setdefault("podSelector", {})
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for rule in spec.get(direction) or []:
            for peer in rule.get(peers) or []:
                if "podSelector" in peer and "namespaceSelector" not in peer:
                    yield peer["podSelector"]


def _led(selector: Object, before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """Have a selector of the old pods choose the new ones; whether it had to be changed for that."""
    if not _selects(selector, before) or _selects(selector, after):
        return False
    labels = selector.get("matchLabels") or {}
    selector["matchLabels"] = {key: after.get(key, value) for key, value in labels.items()}
    for one in selector.get("matchExpressions") or []:
        if one["operator"] == "In" and one["key"] in after:
            one["values"] = [after[one["key"]]]
    return True


def _selects(selector: Object, labels: Mapping[str, str]) -> bool:
    return selects(selector_text(selector))(labels)
