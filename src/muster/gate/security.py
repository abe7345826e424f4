"""What a release may do, what it is made of, and who may come near: permissions, images, secrets, network."""

from __future__ import annotations

import base64
import binascii
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from muster.base.masking import SECRET_NAME
from muster.checks.seen import containers_of
from muster.gate.subject import NOT_SERVED, Found, Object, Subject, is_embedded, name_of, template_of, workloads_of

MOST = 8
POWERS = {"escalate", "bind", "impersonate"}  # verbs by which one gets any right
SHORTEST = 8  # characters of a secret: what is shorter stands elsewhere by chance


def permissions(subject: Subject) -> Found:
    """No workload's service account may do everything, and none that may do nothing has a token of the API."""
    unseen = _unseen(subject, "RoleBinding", "ClusterRoleBinding", "Role", "ClusterRole", "ServiceAccount")
    accounts = defaultdict[str, list[Object]](list)
    for workload in workloads_of(subject.objects):
        accounts[str(template_of(workload).get("serviceAccountName") or "default")].append(workload)
    troubles, lines = list[str](), list[str]()
    for account, workloads in sorted(accounts.items()):
        bound = list(_bound(subject, account))
        troubles += [f"{_names(workloads)} (account {account}): {text}" for text in _too_much(subject, bound)]
        idle = [one for one in workloads if not bound and _has_token(subject, account, one)]
        if idle and not unseen:
            troubles.append(f"{_names(idle)}: has a token of the API and no use for it (automountServiceAccountToken)")
        lines.append(f"account {account}: {_names(workloads)}; {', '.join(map(_role, bound)) or 'bound to nothing'}")
    if troubles:
        return Found("missed", troubles[0], tuple(troubles[1:MOST]))
    if unseen:
        return Found("unknown", f"who may do what could not be seen: {unseen}", tuple(lines))
    return Found("met", f"no service account may do everything ({', '.join(sorted(accounts))})", tuple(lines))


def _bound(subject: Subject, account: str) -> Iterator[Object]:
    """The bindings that give something to an account of the system's namespace."""
    space = subject.system.namespace
    groups = {"system:serviceaccounts", f"system:serviceaccounts:{space}"}
    for binding in subject.objects.of("RoleBinding", "ClusterRoleBinding"):
        for one in binding.get("subjects") or []:
            own = one.get("kind") == "ServiceAccount" and one.get("name") == account
            if (own and one.get("namespace", space) == space) or (one.get("kind") == "Group" and one["name"] in groups):
                yield binding
                break


def _role(binding: Object) -> str:
    reference = binding["roleRef"]
    return f"{reference['kind']} {reference['name']}"


def _too_much(subject: Subject, bound: list[Object]) -> Iterator[str]:
    roles = {(one["kind"], one["metadata"]["name"]): one for one in subject.objects.of("Role", "ClusterRole")}
    for binding in bound:
        reference = binding["roleRef"]
        if reference["name"] == "cluster-admin":
            yield f"is cluster-admin by {name_of(binding)}"
            continue
        for rule in (roles.get((reference["kind"], reference["name"])) or {}).get("rules") or []:
            verbs, resources = set(rule.get("verbs") or []), set(rule.get("resources") or [])
            if "*" in verbs:
                yield f"may do everything (verbs: *) to {', '.join(sorted(resources)) or 'paths'} by {_role(binding)}"
            elif "*" in resources and "*" in (rule.get("apiGroups") or []):
                yield f"may {', '.join(sorted(verbs))} everything by {_role(binding)}"
            elif verbs & POWERS:
                yield f"may {', '.join(sorted(verbs & POWERS))}, and so give itself any right, by {_role(binding)}"


def _has_token(subject: Subject, account: str, workload: Object) -> bool:
    said = template_of(workload).get("automountServiceAccountToken")
    if said is None:
        own = [one for one in subject.objects.of("ServiceAccount") if one["metadata"]["name"] == account]
        said = own[0].get("automountServiceAccountToken") if own else None
    return said is not False


def images(subject: Subject) -> Found:
    """Every image is named by its digest, so that nobody can put another one under its name."""
    named = dict[str, list[str]]()
    for image in subject.wanted.images:
        if "@sha256:" not in image.image:
            named.setdefault(image.image, []).append(image.name)
    if not named:
        return Found("met", f"all {len(subject.wanted.images)} containers name their image by digest", evidence="files")
    lines = tuple(f"{image}: {', '.join(containers[:3])}" for image, containers in sorted(named.items()))
    if is_embedded(subject.objects):
        why = "the embedded cluster has no registry: what stands for an image is known by content"
        return Found("met", why, lines)
    why = f"named by tag, which may come to mean another image: {lines[0]}"
    return Found("missed", why, lines[1:], evidence="files")


def secrets(subject: Subject) -> Found:
    """No Secret's value stands in plain text, and no workload has one in its environment that is another's."""
    values = _values(subject)
    troubles, lines = list[str](), list[str]()
    users = defaultdict[str, set[str]](set)
    for workload in workloads_of(subject.objects):
        for container in containers_of(template_of(workload)):
            where = f"{name_of(workload)}/{container.get('name')}"
            troubles += _plain(where, container, values)
            for secret in _referred(container):
                users[secret].add(str(workload["metadata"]["name"]))
    for item in subject.objects.of("ConfigMap"):
        for key, value in (item.get("data") or {}).items():
            troubles += [f"{name_of(item)}, {key}: holds a value of {owner}" for owner in _owners(str(value), values)]
    troubles += _others(subject, users)
    lines += [f"Secret {name}: held by {', '.join(sorted(those))}" for name, those in sorted(users.items())]
    if troubles:
        return Found("missed", troubles[0], tuple([*dict.fromkeys(troubles[1:])][:MOST]))
    if unseen := _unseen(subject, "Secret", "ConfigMap"):
        return Found("unknown", f"values could not be held against Secrets: {unseen}", tuple(lines))
    unnamed = [name for name in users if len(users[name]) > 1 and name not in subject.system.release.acceptance.secrets]
    if unnamed:
        why = f"nobody says whose Secret {unnamed[0]} is, which {len(users[unnamed[0]])} workloads hold"
        return Found("unknown", f"{why} (release.acceptance.secrets)", tuple(lines))
    return Found("met", f"{len(values)} values of Secrets, none in the hands of others", tuple(lines))


def _values(subject: Subject) -> dict[str, str]:
    """What Secrets hold, each with the Secret and key that it is of. Nothing of it leaves this file."""
    found = dict[str, str]()
    for secret in subject.objects.of("Secret"):
        for key, encoded in (secret.get("data") or {}).items():
            try:
                value = base64.b64decode(str(encoded), validate=True).decode().strip()
            except (binascii.Error, ValueError):
                continue  # what is no text stands in no environment
            if len(value) >= SHORTEST and not value.isdecimal():
                found[value] = f"Secret {secret['metadata']['name']} ({key})"
    return found


def _owners(text: str, values: dict[str, str]) -> list[str]:
    return sorted({owner for value, owner in values.items() if value in text})


def _plain(where: str, container: dict[str, Any], values: dict[str, str]) -> Iterator[str]:
    for variable in container.get("env") or []:
        value, name = str(variable.get("value") or ""), str(variable.get("name"))
        if value and (owners := _owners(value, values)):
            yield f"{where}, {name}: holds a value of {owners[0]} in plain text"
        elif value and SECRET_NAME.search(name) and not value.startswith(("/", "$(")) and not _is_switch(value):
            yield f"{where}, {name}: a secret by its name, in plain text"
    for word in [*(container.get("command") or []), *(container.get("args") or [])]:
        if owners := _owners(str(word), values):
            yield f"{where}: its command holds a value of {owners[0]}"


def _is_switch(value: str) -> bool:
    """Whether a value is too small a thing to be secret: a number, a truth."""
    return value.lower() in ("true", "false", "yes", "no") or value.replace(".", "").isdecimal()


def _referred(container: dict[str, Any]) -> Iterator[str]:
    for one in container.get("env") or []:
        if reference := (one.get("valueFrom") or {}).get("secretKeyRef"):
            yield str(reference.get("name"))
    for one in container.get("envFrom") or []:
        if reference := one.get("secretRef"):
            yield str(reference.get("name"))


def _others(subject: Subject, users: dict[str, set[str]]) -> Iterator[str]:
    for secret, allowed in sorted(subject.system.release.acceptance.secrets.items()):
        for other in sorted(users.get(secret, set()) - {*allowed}):
            yield f"{other} has Secret {secret} in its environment, which is for {', '.join(allowed)}"


def network(subject: Subject) -> Found | None:
    """Who may come to the database: not everybody."""
    database = subject.system.database
    service = getattr(database, "service", None)
    if database is None or service is None:
        return None
    if unseen := _unseen(subject, "NetworkPolicy"):
        if unseen.endswith(NOT_SERVED):
            return Found("unknown", f"every pod may come to Service {service}: no NetworkPolicy can be made here")
        return Found("unknown", f"who may come to Service {service} could not be seen: {unseen}")
    pods = _pods_behind(subject, service)
    if not pods:
        return Found("unknown", f"no pod is behind Service {service}")
    if troubles := [text for pod in pods if (text := _open_to_all(subject, pod))]:
        return Found("missed", troubles[0], tuple(troubles[1:MOST]))
    return Found("met", f"NetworkPolicies say who may come to the {len(pods)} pods of the database")


def _open_to_all(subject: Subject, pod: Object) -> str:
    """Why everybody may come to a pod; empty where policies say who may."""
    policies = [one for one in subject.objects.of("NetworkPolicy") if _holds(one, pod)]
    if not policies:
        return f"every pod of the cluster may come to {name_of(pod)}: no NetworkPolicy holds for it"
    return next((f"{name_of(one)} lets everybody come to {name_of(pod)}" for one in policies if _lets_all(one)), "")


def _pods_behind(subject: Subject, service: str) -> list[Object]:
    """The pods of the database's instances: those behind its Service, and those of its StatefulSets."""
    streaming = subject.system.streaming
    names = tuple(f"{one}-" for one in streaming.instances) if streaming else ()
    found = [one for one in subject.objects.of("Service") if one["metadata"]["name"] == service]
    selector = ((found[0].get("spec") or {}).get("selector") or {}) if found else {}
    return [
        pod
        for pod in subject.objects.of("Pod")
        if (names and pod["metadata"]["name"].startswith(names))
        or (selector and selector.items() <= (pod["metadata"].get("labels") or {}).items())
    ]


def _holds(policy: Object, pod: Object) -> bool:
    """Whether a policy restricts who may come to a pod. An expression that is not understood is taken to hold for
    nobody: it would say more than is known."""
    spec = policy.get("spec") or {}
    selector = spec.get("podSelector") or {}
    if "Ingress" not in (spec.get("policyTypes") or ["Ingress"]) or selector.get("matchExpressions"):
        return False
    return bool((selector.get("matchLabels") or {}).items() <= (pod["metadata"].get("labels") or {}).items())


def _lets_all(policy: Object) -> bool:
    rules = (policy.get("spec") or {}).get("ingress") or []
    return any(not rule.get("from") or any(_is_everybody(peer) for peer in rule["from"]) for rule in rules)


def _is_everybody(peer: dict[str, Any]) -> bool:
    everywhere = peer.get("namespaceSelector") == {} and not (peer.get("podSelector") or {})
    return everywhere or (peer.get("ipBlock") or {}).get("cidr") in ("0.0.0.0/0", "::/0")


def _unseen(subject: Subject, *kinds: str) -> str:
    return next((f"{kind}: {why}" for kind in kinds if (why := subject.objects.unseen.get(kind))), "")


def _names(workloads: list[Object]) -> str:
    names = [name_of(one) for one in workloads]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
