"""What a pod of a StatefulSet and its claims look like."""

from __future__ import annotations

import copy
import re

from muster.embedded.controllers.pods import pod_from_template
from muster.embedded.objects import Object, labels_of

REVISION_LABEL = "controller-revision-hash"
_POD_NAME = "statefulset.kubernetes.io/pod-name"
_POD_INDEX = "apps.kubernetes.io/pod-index"


def first_ordinal(statefulset: Object) -> int:
    return int((statefulset["spec"].get("ordinals") or {}).get("start", 0))


def wanted_ordinals(statefulset: Object) -> range:
    """The ordinals that are to exist."""
    start = first_ordinal(statefulset)
    return range(start, start + statefulset["spec"]["replicas"])


def ordinal_of(statefulset: Object, pod: Object) -> int | None:
    """The pod's ordinal; None for a pod that is not named like one of the set's."""
    found = re.fullmatch(re.escape(statefulset["metadata"]["name"]) + r"-(\d+)", pod["metadata"]["name"])
    return int(found[1]) if found else None


def revision_of(pod: Object) -> str:
    """The name of the ControllerRevision that the pod was made from."""
    return labels_of(pod).get(REVISION_LABEL, "")


def make_pod(statefulset: Object, template: Object, revision: str, ordinal: int) -> Object:
    """The pod with this ordinal, of one revision of the template."""
    pod = pod_from_template(template, statefulset)
    name = f"{statefulset['metadata']['name']}-{ordinal}"
    pod["metadata"]["name"] = name
    pod["metadata"]["labels"] |= {_POD_NAME: name, _POD_INDEX: str(ordinal), REVISION_LABEL: revision}
    spec = pod["spec"]
    spec["hostname"] = name
    spec["subdomain"] = statefulset["spec"].get("serviceName", "")
    claimed = {claim["metadata"]["name"]: claim["metadata"]["name"] + "-" + name for claim in templates(statefulset)}
    volumes = [volume for volume in spec.get("volumes") or () if volume["name"] not in claimed]
    volumes += [{"name": volume, "persistentVolumeClaim": {"claimName": c}} for volume, c in claimed.items()]
    if volumes:
        spec["volumes"] = volumes
    return pod


def make_claims(statefulset: Object, ordinal: int) -> list[Object]:
    """The claims of the pod with this ordinal; they outlive it and have no owner."""
    meta = statefulset["metadata"]
    labels = dict((statefulset["spec"]["selector"].get("matchLabels")) or {})
    claims = []
    for template in templates(statefulset):
        claim = copy.deepcopy(template)
        claim.pop("status", None)
        name = f"{template['metadata']['name']}-{meta['name']}-{ordinal}"
        own = template["metadata"].get("labels") or {}
        claim["metadata"] = {
            **template["metadata"],
            "name": name,
            "namespace": meta["namespace"],
            "labels": own | labels,
        }
        claims.append(claim)
    return claims


def templates(statefulset: Object) -> list[Object]:
    """The claim templates."""
    return statefulset["spec"].get("volumeClaimTemplates") or []
