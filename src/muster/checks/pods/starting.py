"""Why a container is not even started: its image, its configuration, its command, as the kubelet says it."""

from __future__ import annotations

import re

from muster.checks.pods.absent import missing_object, unnamed_absence
from muster.checks.pods.trouble import Trouble, last_said, namespace_of, one_line, told
from muster.checks.seen import Seen
from muster.snapshot import Object, Ref

PULLING = {"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "SignatureValidationFailed", "ImageInspectError"}
CREATING = {"CreateContainerConfigError", "CreateContainerError"}
STARTING = {"RunContainerError", "PreCreateHookError", "PreStartHookError"}
# What kubelet and runtimes write before they say what is wrong.
_PROLOGUE = re.compile(
    r"^.*(?:error during container init|unable to start container process|OCI runtime \w+ failed|runc \w+ failed"
    r"|failed to create \w+ task|failed to generate spec|failed to setup network for sandbox \"?\w+\"?"
    r"|failed to start sandbox \"?\w+\"?|failed to exec in container|rpc error: code = \w+ desc = [^:]+): "
)
_HOOK = re.compile(r"lifecycle hook .*? failed - error: (.*?)(?:: )?, message: ")
_NO_NUMBER = re.compile(r"image has non-numeric user \(([^)]*)\)")
_NO_CREDENTIALS = re.compile(r"Unable to retrieve some image pull secrets \(([^)]+)\)")
REFUSED = "the registry refuses it: no such repository, or it wants credentials (imagePullSecrets)"
# What registries and runtimes say of an image, and what it means.
_PULLS = tuple(
    (re.compile(pattern, re.IGNORECASE), meaning)
    for pattern, meaning in (
        (r"toomanyrequests|\b429\b|rate limit", "the registry limits how often it is asked"),
        (r"no match for platform", "the image is not made for the processors of the node"),
        (r"no space left", "the node has no room for it"),
        (r"x509|certificate", "the registry's certificate is not trusted by the node"),
        (
            r"\b40[13]\b|denied|unauthorized|authorization|authentication|no basic auth",
            REFUSED,
        ),
        (r"not found|manifest unknown|\b404\b", "the registry has no such image or tag"),
        (r"http: server gave HTTP response", "the registry speaks HTTP, and the node asks by HTTPS"),
        (
            r"refused|timeout|no such host|no route|lookup|deadline exceeded|unreachable|reset by peer|\bEOF\b",
            "the registry cannot be reached",
        ),
    )
)


def cannot_start(seen: Seen, pod: Object, label: str, reason: str, message: str) -> Trouble | None:
    """What keeps a container that waits for `reason` from being started; None where it only waits its turn."""
    said = one_line(message)
    several = len((pod.get("spec") or {}).get("containers") or []) > 1 or label.startswith("init")
    which = f" ({label})" if several else ""
    if reason in PULLING:
        return _unpulled(seen, pod, which, said)
    if reason == "ErrImageNeverPull":
        return Trouble(f"its image is not on the node, and must not be pulled (imagePullPolicy: Never){which}", (said,))
    if reason == "InvalidImageName":
        return Trouble(f"the name of its image is invalid{which}", (said,))
    if reason in CREATING:
        return _uncreated(seen, pod, label, reason, message)
    if reason == "PostStartHookError":
        return _hook(label, said)
    if reason in STARTING:
        return start_error(label, message) or Trouble(f"{label} cannot be started: {said or reason}", (said,))
    return None


def start_error(label: str, message: str) -> Trouble | None:
    """Why a runtime does not start a container, by what it says; None where it says nothing."""
    said = one_line(message)
    if not said:
        return None
    if "OOM-killed" in said:
        return Trouble(f"{label} is killed for memory at its start: its limit is too low to start at all", (said,))
    return Trouble(f"{label} cannot be started: {bare(said)}", (said,))


def stopped_by_hook(seen: Seen, pod: Object, label: str) -> Trouble | None:
    """A container that is ended since what it runs after its start fails."""
    name = label.rpartition(" ")[2]
    for text in told(seen, pod, "FailedPostStartHook"):
        if f'Container "{name}"' in text:
            return _hook(label, text)
    return None


def bare(text: str) -> str:
    """What is wrong, without what kubelet and runtimes write before it."""
    return one_line(_PROLOGUE.sub("", text), 160).removesuffix(": unknown")


def _unpulled(seen: Seen, pod: Object, which: str, said: str) -> Trouble:
    evidence = _of_image(seen, pod, said)
    text = f"its image cannot be pulled{which}"
    lacking = _NO_CREDENTIALS.search(last_said(seen, pod, "FailedToRetrieveImagePullSecret"))
    if lacking is None or evidence[0] != REFUSED:
        return Trouble(text, evidence)
    secret = Ref("Secret", namespace_of(pod), lacking[1].partition(",")[0].strip())
    return Trouble(text, evidence, secret, "is missing, {workload} pulls its image with it")


def _of_image(seen: Seen, pod: Object, said: str) -> tuple[str, ...]:
    pulls = [text for text in told(seen, pod, "Failed") if "pull image" in text]
    words = tuple(dict.fromkeys(text for text in [*pulls[:1], said] if text and text.partition(": ")[2]))
    meaning = next((meaning for pattern, meaning in _PULLS if any(map(pattern.search, words))), "")
    return (*([meaning] if meaning else []), *(words or (said,)))


def _uncreated(seen: Seen, pod: Object, label: str, reason: str, message: str) -> Trouble | None:
    if found := missing_object(seen, pod, message, mounted=False) or unnamed_absence(seen, pod):
        return found
    if "cache" in message and "timed out" in message:
        return None  # the kubelet has not seen the objects yet
    said, root = one_line(message), f"{label} must not run as root (runAsNonRoot), and its image"
    if "runAsNonRoot" in said and (named := _NO_NUMBER.search(said)):
        return Trouble(f"{root} names its user ({named[1]}), not a number", (said,))
    if "runAsNonRoot" in said:
        return Trouble(f"{root} does", (said,))
    return Trouble(f"{label} cannot be created: {bare(said) or reason}", (f"{reason}: {said}",))


def _hook(label: str, said: str) -> Trouble:
    found = _HOOK.search(said)
    why = f": {one_line(found[1], 160)}" if found else ""
    return Trouble(f"what {label} runs after its start fails (postStart){why}", (said,))
