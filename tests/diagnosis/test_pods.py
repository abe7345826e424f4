"""Pods that do not run or serve, in the words of kubelet, runtime and scheduler: what is named first, and why."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from tests.diagnosis.building import (
    BEGAN,
    NOW,
    Object,
    claim,
    crashed,
    deployment,
    event,
    first,
    followers,
    looked_at,
    made,
    mounting,
    node,
    owned,
    pod,
    ready,
    service,
    tail,
    template,
    unready,
    unscheduled,
    waiting,
)

from muster.snapshot import LogTail

WEB = ("Deployment", "web")


class Scene(NamedTuple):
    """What there is, and the finding that is expected first."""

    objects: list[Object]
    expected: tuple[str, str, str]
    logs: tuple[LogTail, ...] = ()
    evidence: str = ""


def web(status: Object, spec: Object | None = None, *others: Object) -> list[Object]:
    """Deployment web, whose one pod is so, and its Service, which follows."""
    return [*deployment(), pod(status, spec), service(), *others]


def of_web(status: Object, reason: str, *others: Object, spec: Object | None = None, **more: Any) -> Scene:
    return Scene(web(status, spec, *others), (*WEB, reason), **more)


def about(reason: str, message: str, *, container: str = "main", **more: Any) -> Object:
    return event("Pod", "web-1-x", reason, message, container=container, **more)


RUNC = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: "
TWO = {"containers": [{"name": "main"}, {"name": "proxy"}]}
IMAGES = {
    "there is no such tag": of_web(
        waiting("ImagePullBackOff", 'Back-off pulling image "nginx:9": ErrImagePull: failed to pull and unpack image "docker.io/library/nginx:9": failed to resolve reference "docker.io/library/nginx:9": docker.io/library/nginx:9: not found'),
        "its image cannot be pulled",
        evidence="the registry has no such image or tag",
    ),
    "the registry wants to know who asks": of_web(
        waiting("ErrImagePull", 'failed to pull and unpack image "docker.io/shop/web:1": failed to resolve reference "docker.io/shop/web:1": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed'),
        "its image cannot be pulled",
        evidence="the registry refuses it: no such repository, or it wants credentials (imagePullSecrets)",
    ),
    "the Secret with the credentials is missing": Scene(
        web(
            waiting("ErrImagePull", 'failed to resolve reference "docker.io/shop/web:1": pull access denied, repository does not exist or may require authorization'),
            None,
            event("Pod", "web-1-x", "FailedToRetrieveImagePullSecret", "Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed."),
        ),
        ("Secret", "regcred", "is missing, Deployment web pulls its image with it"),
    ),
    "the registry cannot be reached": of_web(
        waiting("ImagePullBackOff", 'Back-off pulling image "registry.shop/web:1": ErrImagePull: failed to do request: Head "https://registry.shop/v2/web/manifests/1": dial tcp 10.0.0.9:443: connect: connection refused'),
        "its image cannot be pulled",
        evidence="the registry cannot be reached",
    ),
    "the registry has had enough": of_web(
        waiting("ErrImagePull", "failed to copy: httpReadSeeker: failed open: unexpected status code https://registry-1.docker.io/v2/library/redis/manifests/x: 429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit."),
        "its image cannot be pulled",
        evidence="the registry limits how often it is asked",
    ),
    "an image for other processors": of_web(
        waiting("ErrImagePull", 'failed to pull and unpack image "docker.io/shop/web:1": no match for platform in manifest: not found'),
        "its image cannot be pulled",
        evidence="the image is not made for the processors of the node",
    ),
    "a name that is none": of_web(
        waiting("InvalidImageName", 'Failed to apply default image tag "nginx:": couldn\'t parse image name "nginx:": invalid reference format'),
        "the name of its image is invalid",
    ),
    "an image that must not be pulled": of_web(
        waiting("ErrImageNeverPull", 'Container image "shop:1" is not present with pull policy of Never'),
        "its image is not on the node, and must not be pulled (imagePullPolicy: Never)",
    ),
    "of one of two": of_web(
        {**waiting("ImagePullBackOff", "Back-off", name="proxy")},
        "its image cannot be pulled (container proxy)",
        spec=TWO,
    ),
    "of one that prepares": of_web(
        {"initContainerStatuses": waiting("ImagePullBackOff", "Back-off", name="setup")["containerStatuses"], **waiting("PodInitializing")},
        "its image cannot be pulled (init container setup)",
        spec={"initContainers": [{"name": "setup"}]},
    ),
}  # fmt: skip
MAKING = {
    "a key of a Secret": Scene(
        web(waiting("CreateContainerConfigError", "couldn't find key pass in Secret shop/db")),
        ("Secret", "db", "has no key pass, Deployment web needs it"),
    ),
    "a key of a ConfigMap": Scene(
        web(waiting("CreateContainerConfigError", "couldn't find key mode in ConfigMap shop/settings")),
        ("ConfigMap", "settings", "has no key mode, Deployment web needs it"),
    ),
    "a Secret": Scene(
        web(waiting("CreateContainerConfigError", 'secret "db" not found')),
        ("Secret", "db", "is missing, Deployment web needs it"),
    ),
    "a container that would run as root": of_web(
        waiting("CreateContainerConfigError", 'container has runAsNonRoot and image will run as root (pod: "web-1-x_shop(a1)", container: main)'),
        "container main must not run as root (runAsNonRoot), and its image does",
    ),
    "a container whose user is a name": of_web(
        waiting("CreateContainerConfigError", "container has runAsNonRoot and image has non-numeric user (app), cannot verify user is non-root (pod: \"web-1-x_shop(a1)\", container: main)"),
        "container main must not run as root (runAsNonRoot), and its image names its user (app), not a number",
    ),
    "no command at all": of_web(
        waiting("CreateContainerError", 'failed to generate container "a1" spec: failed to generate spec: no command specified'),
        "container main cannot be created: no command specified",
    ),
    "a command that is not there": of_web(
        crashed(128, reason="StartError", message=f'{RUNC}exec: "nope": executable file not found in $PATH: unknown'),
        'container main cannot be started: exec: "nope": executable file not found in $PATH',
    ),
    "a command that may not be executed": of_web(
        waiting("RunContainerError", f'{RUNC}exec: "/app/run": permission denied'),
        'container main cannot be started: exec: "/app/run": permission denied',
    ),
    "a directory that is not there": of_web(
        waiting("RunContainerError", f'{RUNC}exec: "./run": stat ./run: no such file or directory'),
        'container main cannot be started: exec: "./run": stat ./run: no such file or directory',
    ),
    "a hook after the start": of_web(
        waiting("PostStartHookError", 'Exec lifecycle hook ([/bin/sh -c exit 3]) for Container "main" in Pod "web-1-x_shop(a1)" failed - error: command \'/bin/sh -c exit 3\' exited with 3: , message: ""'),
        "what container main runs after its start fails (postStart): command '/bin/sh -c exit 3' exited with 3",
    ),
    "the same, seen between two tries": of_web(
        crashed(137),
        "what container main runs after its start fails (postStart): command '/bin/sh -c exit 3' exited with 3",
        about("FailedPostStartHook", "PostStartHook failed"),
        about("FailedPostStartHook", 'Exec lifecycle hook ([/bin/sh -c exit 3]) for Container "main" in Pod "web-1-x_shop(a1)" failed - error: command \'/bin/sh -c exit 3\' exited with 3: , message: ""'),
    ),
    "too little memory to start at all": of_web(
        crashed(128, reason="StartError", message=f"{RUNC.removesuffix('error during container init: ')}container init was OOM-killed (memory limit too low?): unknown"),
        "container main is killed for memory at its start: its limit is too low to start at all",
    ),
    "no sandbox": of_web(
        waiting("ContainerCreating"),
        'its pods get no sandbox or network: plugin type="calico" failed (add): error getting ClusterInformation: connection is unauthorized',
        event("Pod", "web-1-x", "FailedCreatePodSandBox", 'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "a1": plugin type="calico" failed (add): error getting ClusterInformation: connection is unauthorized'),
    ),
}  # fmt: skip
OOM = {"reason": "OOMKilled"}
ENDS = {
    "killed for memory": of_web(
        crashed(137, **OOM),
        "container main is killed for memory at its limit of 48Mi",
        spec={"containers": [{"name": "main", "resources": {"limits": {"memory": "48Mi"}}}]},
    ),
    "one of two killed for memory": of_web(
        {"phase": "Running", "containerStatuses": [{"name": "main", "ready": True, "restartCount": 0, "state": {"running": {"startedAt": BEGAN}}}, crashed(137, name="proxy", **OOM)["containerStatuses"][0]]},
        "container proxy is killed for memory at its limit of 16Mi",
        spec={"containers": [{"name": "main"}, {"name": "proxy", "resources": {"limits": {"memory": "16Mi"}}}]},
    ),
    "a sidecar killed for memory": of_web(
        {"initContainerStatuses": crashed(137, name="mesh", **OOM)["containerStatuses"], **waiting("PodInitializing")},
        "init container mesh is killed for memory at its limit of 16Mi",
        spec={"initContainers": [{"name": "mesh", "restartPolicy": "Always", "resources": {"limits": {"memory": "16Mi"}}}]},
    ),
    "killed for memory, and up again just now": of_web(
        {"phase": "Running", "containerStatuses": [{"name": "main", "ready": True, "started": True, "restartCount": 3, "state": {"running": {"startedAt": NOW}}, "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": NOW}}}]},
        "container main is killed for memory at its limit of 48Mi",
        spec={"containers": [{"name": "main", "resources": {"limits": {"memory": "48Mi"}}}]},
    ),
    "no more memory on the node": of_web(
        crashed(137, **OOM), "container main is killed for memory; it has no limit, the node has no more"
    ),
    "with what it said last": of_web(
        crashed(1),
        "container main exits with 1: ValueError: PORT must be a number",
        logs=(tail("web-1-x", "Traceback (most recent call last):", '  File "app.py", line 1', "ValueError: PORT must be a number", previous=True),),
    ),
    "with what it wrote for whoever finds it": of_web(
        crashed(2, message="no licence\n"), "container main exits with 2: no licence"
    ),
    "not executable": of_web(crashed(126), "container main exits with 126 (its command cannot be executed)"),
    "not found": of_web(
        crashed(127),
        "container main exits with 127 (its command is not found): sh: 1: nope: not found",
        logs=(tail("web-1-x", "sh: 1: nope: not found", previous=True),),
    ),
    "killed": of_web(crashed(137), "container main is killed (137), not for memory"),
    "a fault of its own": of_web(crashed(139), "container main exits with 139 (segmentation fault)"),
    "ended from outside": of_web(crashed(143), "container main is ended from outside (143)"),
    "ended by itself": of_web(
        crashed(0, reason="Completed"), "container main ends by itself (exit code 0), so it is restarted again and again"
    ),
    "one that prepares": of_web(
        {"initContainerStatuses": crashed(1, name="setup")["containerStatuses"], **waiting("PodInitializing")},
        "init container setup exits with 1: relation orders does not exist",
        spec={"initContainers": [{"name": "setup"}]},
        logs=(tail("web-1-x", "relation orders does not exist", container="setup", previous=True),),
    ),
    "one that prepares and waits for ever": of_web(
        {"initContainerStatuses": [{"name": "wait", "ready": False, "restartCount": 0, "state": {"running": {"startedAt": BEGAN}}}], **waiting("PodInitializing")},
        "init container wait does not end: nslookup: can't resolve 'db'",
        spec={"initContainers": [{"name": "wait"}]},
        logs=(tail("web-1-x", *["nslookup: can't resolve 'db'"] * 9, container="wait"),),
    ),
    "a name that nobody has": of_web(
        crashed(1),
        'container main exits with 1: psycopg.OperationalError: could not translate host name "db" to address: Name or service not known',
        logs=(tail("web-1-x", 'psycopg.OperationalError: could not translate host name "db" to address: Name or service not known', previous=True),),
        evidence="Service db does not exist",
    ),
}  # fmt: skip
PROBED = {
    "readinessProbe": {"httpGet": {"path": "/", "port": 8080}},
    "livenessProbe": {"httpGet": {"path": "/live", "port": 8080}},
}


def probing(**probes: Object) -> Object:
    return {"containers": [{"name": "main", **probes}]}


READINESS = probing(readinessProbe={"httpGet": {"port": 8080}, "periodSeconds": 2})
PROBES = {
    "not answered with 200": of_web(
        unready(), "readiness probe of container main fails (503)",
        about("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"), spec=READINESS,
    ),
    "refused": of_web(
        unready(), "readiness probe of container main is refused on port 8081",
        about("Unhealthy", 'Readiness probe failed: Get "http://10.2.0.3:8081/": dial tcp 10.2.0.3:8081: connect: connection refused'), spec=READINESS,
    ),
    "not answered in time": of_web(
        unready(), "readiness probe of container main is not answered in time on port 8080",
        about("Unhealthy", 'Readiness probe failed: Get "http://10.2.0.3:8080/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)'), spec=READINESS,
    ),
    "asked without TLS": of_web(
        unready(), "readiness probe of container main fails (400)",
        about("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 400"), spec=READINESS,
    ),
    "asked with TLS": of_web(
        unready(), "readiness probe of container main speaks HTTPS, and is answered with HTTP on port 8080",
        about("Unhealthy", 'Readiness probe failed: Get "https://10.2.0.3:8080/": http: server gave HTTP response to HTTPS client'), spec=READINESS,
    ),
    "a port to connect to": of_web(
        unready(), "readiness probe of container main is refused on port 5432",
        about("Unhealthy", "Readiness probe failed: dial tcp 10.2.0.3:5432: connect: connection refused"),
        spec=probing(readinessProbe={"tcpSocket": {"port": 5432}}),
    ),
    "gRPC, not serving": of_web(
        unready(), 'readiness probe of container main fails (service unhealthy (responded with "NOT_SERVING"))',
        about("Unhealthy", 'Readiness probe failed: service unhealthy (responded with "NOT_SERVING")'),
        spec=probing(readinessProbe={"grpc": {"port": 9090}}),
    ),
    "gRPC, nobody there": of_web(
        unready(), "readiness probe of container main is not answered in time on port 9090",
        about("Unhealthy", 'Readiness probe failed: timeout: failed to connect service "10.2.0.3:9090" within 1s: context deadline exceeded'),
        spec=probing(readinessProbe={"grpc": {"port": 9090}}),
    ),
    "a command": of_web(
        unready(), "readiness probe of container main fails (cat: /tmp/ready: No such file or directory)",
        about("Unhealthy", "Readiness probe failed: cat: /tmp/ready: No such file or directory\n"),
        spec=probing(readinessProbe={"exec": {"command": ["cat", "/tmp/ready"]}}),
    ),
    "a command that says nothing": of_web(
        unready(), "readiness probe of container main fails (its command test -e /tmp/ready says no)",
        about("Unhealthy", "Readiness probe failed: "),
        spec=probing(readinessProbe={"exec": {"command": ["test", "-e", "/tmp/ready"]}}),
    ),
    "a command that is not there": of_web(
        unready(), "readiness probe of container main fails (exec: \"nope\": executable file not found in $PATH)",
        about("Unhealthy", "Readiness probe errored and resulted in unknown state: rpc error: code = Unknown desc = failed to exec in container: failed to start exec \"a1\": OCI runtime exec failed: exec failed: unable to start container process: exec: \"nope\": executable file not found in $PATH"),
        spec=probing(readinessProbe={"exec": {"command": ["nope"]}}),
    ),
    "of one of two": of_web(
        {"phase": "Running", "containerStatuses": [ready()["status"]["containerStatuses"][0], unready("proxy")["containerStatuses"][0]]},
        "readiness probe of container proxy fails (503)",
        about("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503", container="proxy"),
        spec={"containers": [{"name": "main", **PROBED}, {"name": "proxy", **PROBED}]},
    ),
    "a start that is not through": of_web(
        unready(started=False), "startup probe of container main fails (500)",
        about("Unhealthy", "Startup probe failed: HTTP probe failed with statuscode: 500"),
        spec=probing(startupProbe={"httpGet": {"port": 8080}, "periodSeconds": 5, "failureThreshold": 3}),
    ),
    "a start that takes too long, so that it begins anew": of_web(
        unready(started=False, restartCount=3, lastState={"terminated": {"exitCode": 137, "reason": "Error", "finishedAt": NOW}}),
        "startup probe of container main is refused on port 8080, so it is restarted again and again",
        about("Unhealthy", 'Startup probe failed: Get "http://10.2.0.3:8080/": dial tcp 10.2.0.3:8080: connect: connection refused'),
        about("Killing", "Container main failed startup probe, will be restarted"),
        spec=probing(startupProbe={"httpGet": {"port": 8080}}),
    ),
    "a probe that kills": of_web(
        crashed(137), "liveness probe of container main fails (500), so it is restarted again and again",
        about("Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 500"),
        about("Killing", "Container main failed liveness probe, will be restarted"),
        spec={"containers": [{"name": "main", **PROBED}]},
    ),
    "a probe that kills, its program ending well": of_web(
        crashed(0, reason="Completed"), "liveness probe of container main is not answered in time on port 8080, so it is restarted again and again",
        about("Unhealthy", 'Liveness probe failed: Get "http://10.2.0.3:8080/live": context deadline exceeded'),
        about("Killing", "Container main failed liveness probe, will be restarted"),
        spec={"containers": [{"name": "main", **PROBED}]},
    ),
    "a gate that nobody opens": of_web(
        {"phase": "Running", "conditions": [{"type": "Ready", "status": "False", "reason": "ReadinessGatesNotReady", "message": 'corresponding condition of pod readiness gate "shop/warm" does not exist.', "lastTransitionTime": BEGAN}], "containerStatuses": ready()["status"]["containerStatuses"]},
        "its pods wait for readiness gate shop/warm",
        spec={"readinessGates": [{"conditionType": "shop/warm"}], "containers": [{"name": "main"}]},
    ),
}  # fmt: skip


def mount(message: str, reason: str = "FailedMount") -> Object:
    return event("Pod", "web-1-x", reason, message)


def asked(message: str, spec: Object, expected: str, *others: Object) -> Scene:
    """A pod that the scheduler says this of, beside a node."""
    return of_web(unscheduled(message), expected, node(), *others, spec={"nodeName": "", **spec})


NONE = "no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
VOLUMES = {
    "a Secret is missing": Scene(
        web(waiting("ContainerCreating"), {"volumes": [{"name": "v", "secret": {"secretName": "tls"}}]}, mount('MountVolume.SetUp failed for volume "v" : secret "tls" not found')),
        ("Secret", "tls", "is missing, Deployment web mounts it"),
    ),
    "a key of a ConfigMap is missing": Scene(
        web(waiting("ContainerCreating"), {"volumes": [{"name": "v", "configMap": {"name": "files", "items": [{"key": "a.txt", "path": "a.txt"}]}}]}, mount('MountVolume.SetUp failed for volume "v" : references non-existent config key: a.txt'), made("ConfigMap", "files", data={"b.txt": ""})),
        ("ConfigMap", "files", "has no key a.txt, Deployment web mounts it"),
    ),
    "a directory of the node is missing": of_web(
        waiting("ContainerCreating"), "a volume cannot be mounted: volume host: hostPath type check failed: /srv/data is not a directory",
        mount('MountVolume.SetUp failed for volume "host" : hostPath type check failed: /srv/data is not a directory'),
        spec={"volumes": [{"name": "host", "hostPath": {"path": "/srv/data", "type": "Directory"}}]},
    ),
    "a local volume's directory is missing": of_web(
        waiting("ContainerCreating"), 'a volume cannot be mounted: volume pv-1: path "/srv/one" does not exist',
        mount('MountVolume.NewMounter initialization failed for volume "pv-1" : path "/srv/one" does not exist'),
        claim(phase="Bound", volumeName="pv-1"), spec=mounting(),
    ),
    "a driver is missing": of_web(
        waiting("ContainerCreating"), "a volume cannot be mounted: volume pv-1: driver name csi.shop not found in the list of registered CSI drivers",
        mount('MountVolume.MountDevice failed for volume "pv-1" : kubernetes.io/csi: attacher.MountDevice failed to create newCsiDriverClient: driver name csi.shop not found in the list of registered CSI drivers'),
        claim(phase="Bound", volumeName="pv-1"), spec=mounting(),
    ),
    "a volume that another node holds": of_web(
        waiting("ContainerCreating"), "a volume cannot be attached: pv-1 is in use on another node, by pod(s) web-0-old",
        mount('Multi-Attach error for volume "pv-1" Volume is already used by pod(s) web-0-old', "FailedAttachVolume"),
        claim(phase="Bound", volumeName="pv-1"), spec=mounting(),
    ),
    "a claim is missing": Scene(
        web(unscheduled(f'0/1 nodes are available: persistentvolumeclaim "data" not found. {NONE}'), {"nodeName": "", **mounting()}, node()),
        ("PersistentVolumeClaim", "data", "is missing, Deployment web mounts it"),
    ),
    "a claim of no class": Scene(
        web(unscheduled(f"0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. {NONE}"), {"nodeName": "", **mounting()}, node(), claim(), event("PersistentVolumeClaim", "data", "FailedBinding", "no persistent volumes available for this claim and no storage class is set")),
        ("PersistentVolumeClaim", "data", "names no storage class, and no volume is there that fits"),
    ),
    "a class that is not there": Scene(
        web(unscheduled(f"0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. {NONE}"), {"nodeName": "", **mounting()}, node(), claim(storageClassName="fast"), event("PersistentVolumeClaim", "data", "ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found')),
        ("PersistentVolumeClaim", "data", "storage class fast does not exist"),
    ),
    "a provisioner that does nothing": Scene(
        web(unscheduled(f"0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. {NONE}"), {"nodeName": "", **mounting()}, node(), claim(storageClassName="slow"), made("StorageClass", "slow", provisioner="shop/disks"), event("PersistentVolumeClaim", "data", "ExternalProvisioning", "Waiting for a volume to be created either by the external provisioner 'shop/disks' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.")),
        ("PersistentVolumeClaim", "data", "provisioner shop/disks makes no volume for it"),
    ),
    "a provisioner that fails": Scene(
        web(unscheduled(f"0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. {NONE}"), {"nodeName": "", **mounting()}, node(), claim(storageClassName="slow"), made("StorageClass", "slow", provisioner="shop/disks"), event("PersistentVolumeClaim", "data", "ProvisioningFailed", 'failed to provision volume with StorageClass "slow": rpc error: code = ResourceExhausted desc = no space in pool')),
        ("PersistentVolumeClaim", "data", 'cannot be provisioned: failed to provision volume with StorageClass "slow": rpc error: code = ResourceExhausted desc = no space in pool'),
    ),
    "a volume that is gone": Scene(
        web(unscheduled(f'0/1 nodes are available: persistentvolumeclaim "data" bound to non-existent persistentvolume "pv-1". {NONE}'), {"nodeName": "", **mounting()}, node(), claim(phase="Lost", volumeName="pv-1")),
        ("PersistentVolumeClaim", "data", "is bound to a volume that does not exist, Deployment web mounts it"),
    ),
    "a volume on another node": Scene(
        web(unscheduled(f"0/1 nodes are available: 1 node(s) had volume node affinity conflict. {NONE}"), {"nodeName": "", **mounting()}, node(), claim(phase="Bound", volumeName="pv-1")),
        ("PersistentVolumeClaim", "data", "its volume is on a node where Deployment web cannot run"),
    ),
    "no volume that fits": Scene(
        web(unscheduled(f"0/1 nodes are available: 1 node(s) didn't find available persistent volumes to bind. {NONE}"), {"nodeName": "", **mounting()}, node(), claim(storageClassName="local"), made("StorageClass", "local", provisioner="kubernetes.io/no-provisioner")),
        ("PersistentVolumeClaim", "data", "no persistent volume fits it, Deployment web mounts it"),
    ),
}  # fmt: skip
AFFINITY = {
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a", "b"]}]}]
            }
        }
    }
}
PLACES = {
    "more memory than any node has": asked(
        f"0/1 nodes are available: 1 Insufficient memory. {NONE}",
        {"containers": [{"name": "main", "resources": {"requests": {"memory": "64Gi"}}}]},
        "asks for 64Gi of memory, no node has so much",
    ),
    "more processors than are free": asked(
        f"0/1 nodes are available: 1 Insufficient cpu. {NONE}",
        {"containers": [{"name": "main", "resources": {"requests": {"cpu": "1500m"}}}]},
        "asks for 1.5 processors, no node has so much free",
    ),
    "a device that no node has": asked(
        f"0/1 nodes are available: 1 Insufficient nvidia.com/gpu. {NONE}",
        {"containers": [{"name": "main", "resources": {"limits": {"nvidia.com/gpu": "1"}}}]},
        "asks for 1 nvidia.com/gpu, no node has so much",
    ),
    "too many pods": asked(f"0/1 nodes are available: 1 Too many pods. {NONE}", {}, "no node has room for another pod"),
    "a taint that is named": asked(
        f"0/1 nodes are available: 1 node(s) had untolerated taint {{dedicated: gpu}}. {NONE}", {}, "it does not tolerate taint dedicated=gpu of the nodes"
    ),
    "a selector": asked(
        f"0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. {NONE}", {"nodeSelector": {"disk": "ssd"}}, "no node has disk=ssd"
    ),
    "an affinity": asked(
        f"0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. {NONE}", AFFINITY, "no node has zone in (a, b)"
    ),
    "pods that may not share a node": asked(
        f"0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules. {NONE}", {}, "its pods may not share a node (anti-affinity), and no further node is there"
    ),
    "pods that it must run beside": asked(
        f"0/1 nodes are available: 1 node(s) didn't match pod affinity rules. {NONE}", {}, "no node runs the pods that it must run beside (pod affinity)"
    ),
    "pods that are to be spread": asked(
        f"0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints. {NONE}", {}, "no node keeps its pods spread as it asks (topology spread constraints)"
    ),
    "a label to be spread by is missing": asked(
        f"0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints (missing required label). {NONE}",
        {"topologySpreadConstraints": [{"topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}]},
        "no node has the label zone, by which its pods are to be spread",
    ),
    "a port of the node": asked(
        f"0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. {NONE}",
        {"containers": [{"name": "main", "ports": [{"hostPort": 80, "containerPort": 80}]}]},
        "host port 80 is taken on every node",
    ),
    "cordoned nodes": asked(f"0/1 nodes are available: 1 node(s) were unschedulable. {NONE}", {}, "every node that could run it is cordoned"),
    "no node": Scene(web(unscheduled("no nodes available to schedule pods"), {"nodeName": ""}), (*WEB, "no node is there to run it")),
    "a scheduler that is none": of_web(
        {}, "waits for scheduler mine, which does nothing", node(), spec={"nodeName": "", "schedulerName": "mine"}
    ),
    "a gate before scheduling": of_web(
        {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated", "message": "Scheduling is blocked due to non-empty scheduling gates"}]},
        "is held back by scheduling gate shop/later",
        spec={"nodeName": "", "schedulingGates": [{"name": "shop/later"}]},
    ),
    "a node that is lost": Scene(
        web({"phase": "Running"}, None, node(ready="Unknown", said="Kubelet stopped posting node status.")),
        ("Node", "n1", "is not ready: Kubelet stopped posting node status."),
    ),
    "a taint of a node that is lost": Scene(
        web(unscheduled(f"0/1 nodes are available: 1 node(s) had untolerated taint {{node.kubernetes.io/unreachable: }}. {NONE}"), {"nodeName": ""}, node(ready="Unknown", said="Kubelet stopped posting node status.", spec={"taints": [{"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"}]})),
        ("Node", "n1", "is not ready: Kubelet stopped posting node status."),
    ),
}  # fmt: skip
TAINTED = node(spec={"taints": [{"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}]})


def test_a_taint_that_the_scheduler_does_not_name_is_looked_up() -> None:
    """Schedulers of late say only that there are some."""
    objects = [
        *deployment(),
        pod(unscheduled("0/1 nodes are available: 1 node(s) had untolerated taint(s)."), {"nodeName": ""}),
        TAINTED,
    ]
    assert first(looked_at(objects)) == (*WEB, "it does not tolerate taint dedicated=gpu of the nodes")


ALL = {
    f"{group}: {name}": scene
    for group, scenes in (
        ("image", IMAGES),
        ("making", MAKING),
        ("end", ENDS),
        ("probe", PROBES),
        ("volume", VOLUMES),
        ("place", PLACES),
    )
    for name, scene in scenes.items()
}


@pytest.mark.parametrize("name", ALL)
def test_the_cause_stands_first_and_its_service_follows(name: str) -> None:
    scene = ALL[name]
    diagnosis = looked_at(scene.objects, scene.logs)
    assert first(diagnosis) == scene.expected
    assert not diagnosis.unknown
    assert not scene.evidence or any(scene.evidence in line for line in diagnosis.causes[0].evidence)
    assert all(cause.follows_from for cause in diagnosis.causes[1:]), "what follows is no cause of its own"
    assert diagnosis.causes[0].severity in ("P2", "P3")
    if diagnosis.causes[0].severity == "P2":
        assert any(line.startswith("Service web has no") for line in followers(diagnosis))


def test_a_set_that_goes_on_in_order_is_told_by_the_pod_at_which_it_stands() -> None:
    whole = {"replicas": 3, "selector": {"matchLabels": {"app": "db"}}, "template": template("db")}
    owner = ("StatefulSet", "db")
    objects = [
        made("StatefulSet", "db", spec=whole, status={"replicas": 2, "readyReplicas": 1}),
        ready("db-0", owner=owner),
        pod(
            waiting("CrashLoopBackOff", restartCount=5, lastState={"terminated": {"exitCode": 1, "finishedAt": NOW}}),
            name="db-1",
            owner=owner,
        ),
    ]
    diagnosis = looked_at(objects, [tail("db-1", "FATAL: data directory has wrong ownership", previous=True)])
    assert first(diagnosis) == (
        "StatefulSet",
        "db",
        "container main exits with 1: FATAL: data directory has wrong ownership",
    )
    assert "1 of 3 pods are ready; so it is with db-1" in diagnosis.causes[0].evidence
    assert diagnosis.causes[0].severity == "P3"


def test_of_a_daemon_set_on_two_nodes_the_one_that_fails_is_told() -> None:
    objects = [
        node("n1"),
        node("n2"),
        made(
            "DaemonSet",
            "logs",
            spec={"template": template("logs")},
            status={"desiredNumberScheduled": 2, "currentNumberScheduled": 2, "numberReady": 1},
        ),
        ready("logs-a", owner=("DaemonSet", "logs")),
        pod(crashed(), {"nodeName": "n2"}, name="logs-b", owner=("DaemonSet", "logs")),
    ]
    diagnosis = looked_at(objects)
    assert first(diagnosis) == ("DaemonSet", "logs", "container main exits with 1")
    assert diagnosis.causes[0].severity == "P3"


def test_a_pod_of_its_own_that_failed_is_told_for_an_hour() -> None:
    ended = {"exitCode": 3, "reason": "Error", "finishedAt": NOW}
    alone = pod(
        {"phase": "Failed", "containerStatuses": [{"name": "main", "restartCount": 0, "state": {"terminated": ended}}]},
        name="once",
        owner=("", ""),
    )
    assert first(looked_at([alone])) == ("Pod", "once", "container main exits with 3")


def test_a_pod_of_the_node_itself_is_told_by_its_own_name() -> None:
    alone = pod(crashed(), name="etcd-n1", owner=("Node", "n1"))
    assert first(looked_at([node(), alone])) == ("Pod", "etcd-n1", "container main exits with 1")


def test_a_workload_that_an_operator_made_is_told_by_its_own_name() -> None:
    deployed, replicas = deployment()
    deployed["metadata"] |= owned("Shop", "mine")
    diagnosis = looked_at([deployed, replicas, pod(crashed()), service()])
    assert first(diagnosis) == (*WEB, "container main exits with 1")
    assert followers(diagnosis) == ["Service web has no ready endpoints"]


EVICTED = {
    "short of memory": ("The node was low on resource: memory. Threshold quantity: 100Mi, available: 40Mi. Container main was using 300Mi, request is 0, has larger consumption of memory. ", "its pods are evicted: The node was low on resource: memory"),
    "too large a volume": ('Usage of EmptyDir volume "cache" exceeds the limit "10Mi". ', 'its pods are evicted: Usage of EmptyDir volume "cache" exceeds the limit "10Mi"'),
    "too much on its disk": ('Container main exceeded its local ephemeral storage limit "10Mi". ', 'its pods are evicted: Container main exceeded its local ephemeral storage limit "10Mi"'),
}  # fmt: skip


@pytest.mark.parametrize("name", EVICTED)
def test_pods_that_are_driven_out_are_told_by_why(name: str) -> None:
    message, expected = EVICTED[name]
    gone = pod(
        {
            "phase": "Failed",
            "reason": "Evicted",
            "message": message,
            "conditions": [
                {
                    "type": "DisruptionTarget",
                    "status": "True",
                    "reason": "TerminationByKubelet",
                    "lastTransitionTime": NOW,
                }
            ],
        },
        name="web-1-e",
    )
    diagnosis = looked_at([*deployment(), gone, ready(), node()])
    assert first(diagnosis) == (*WEB, expected)
    assert diagnosis.causes[0].severity == "P3"


def test_a_node_whose_kernel_ends_processes_says_so() -> None:
    said = {**event("Node", "n1", "SystemOOM", "System OOM encountered, victim process: python3, pid: 4711")}
    said["involvedObject"] = {"kind": "Node", "name": "n1"}
    assert first(looked_at([*deployment(), ready(), said])) == (
        "Node",
        "n1",
        "has run out of memory and ends processes",
    )


def test_a_node_that_is_short_of_memory_explains_the_evictions() -> None:
    short = node(
        conditions=[
            {
                "type": "MemoryPressure",
                "status": "True",
                "message": "kubelet has insufficient memory available",
                "lastTransitionTime": BEGAN,
            }
        ]
    )
    gone = pod(
        {
            "phase": "Failed",
            "reason": "Evicted",
            "message": "The node was low on resource: memory. ",
            "conditions": [{"type": "DisruptionTarget", "status": "True", "lastTransitionTime": NOW}],
        },
        name="web-1-e",
    )
    diagnosis = looked_at([*deployment(), gone, ready(), short])
    assert first(diagnosis) == ("Node", "n1", "is short of memory")
    assert followers(diagnosis) == ["Deployment web its pods are evicted: The node was low on resource: memory"]
