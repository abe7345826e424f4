"""The plan of drills for people, in 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from muster.drill.preview import DrillPreview, LoadPreview, Preview

WIDTH = 80
HEAD = 11  # columns of what stands before the text


def lines(preview: Preview) -> Iterator[str]:
    """The plan, a line each."""
    where = f"namespace '{preview.namespace}'"
    if preview.context is None:
        read = f"{where} of the embedded cluster, read from the manifests"
    else:
        read = f"{where} of context '{preview.context}', read from it"
    yield from textwrap.wrap(f"plan: {preview.system} in {read}; nothing is written", WIDTH)
    for drill in preview.drills:
        yield ""
        yield from _drill(drill)
    yield ""
    refused = sum(bool(drill.refused) for drill in preview.drills)
    count = f"{len(preview.drills)} drill{'s' * (len(preview.drills) != 1)}"
    yield f"{count} planned, none would be refused" if not refused else f"{refused} of {count} would be refused"


def _drill(drill: DrillPreview) -> Iterator[str]:
    yield from textwrap.wrap(f"{drill.name} ({drill.severity}), fault {drill.fault}: {drill.title}", WIDTH)
    for number, (objects, acts, undone) in enumerate(_gathered(drill)):
        yield from _part("touches" if number == 0 else "", ", ".join(objects))
        yield from _part("", "; ".join(acts), indent=2)
        yield from _part("", f"undone: {undone}" if not undone.startswith("not undone") else undone, indent=2)
    if not drill.touches:
        yield from _part("touches", "no object")
    reach = f"{drill.pods.hit} of {drill.pods.of} pods, {drill.workloads.hit} of {drill.workloads.of} workloads"
    yield from _part("reach", f"at most {reach}")
    yield from _part("load", _load(drill.load))
    times = f"struck within {drill.strike_s:g} s, service good again within {drill.recovery_s:g} s"
    yield from _part("limits", times)
    yield from _part("rights", "; ".join(_by_resource(drill.rights)))
    for why in drill.refused:
        yield from _part("REFUSED", why.removeprefix("refused: "))


def _gathered(drill: DrillPreview) -> list[tuple[list[str], list[str], str]]:
    """Objects to which the same is done, with what that is; how they are undone is what the last act says."""
    acts: dict[str, list[str]] = {}
    undone: dict[str, str] = {}
    for touch in drill.touches:
        acts.setdefault(touch.object, []).append(touch.act)
        undone[touch.object] = touch.undone
    groups: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for name, done in acts.items():
        groups.setdefault((tuple(done), undone[name]), []).append(name)
    return [(names, list(done), how) for (done, how), names in groups.items()]


def _load(load: LoadPreview) -> str:
    rates = ", ".join(f"{rate:g}" for rate in load.rates)
    parts = []
    if load.profile is not None:
        told = (
            f"{rates} requests/s" if rates else f"at a rate that its body decides, {load.ceiling:g} requests/s at most"
        )
        parts.append(f"{load.profile}, {told}")
    if load.raised_to is not None:
        parts.append(f"raised to {load.raised_to:g} requests/s")
    return "; ".join([*parts, f"probes {load.probes:.3g} requests/s"])


def _by_resource(rights: Iterable[str]) -> list[str]:
    found: dict[str, list[str]] = {}
    for right in rights:
        verb, _, resource = right.partition(" ")
        found.setdefault(resource, []).append(verb)
    return [f"{resource}: {' '.join(sorted(verbs))}" for resource, verbs in sorted(found.items())]


def _part(name: str, text: str, *, indent: int = 0) -> list[str]:
    head = f"  {name:<{HEAD - 2}}" + " " * indent
    return textwrap.wrap(text, WIDTH, initial_indent=head, subsequent_indent=" " * len(head))
